//! The example of `safeguards-cards`'s README, which needs that crate alone.

use safeguards_cards::{Importing, read_all};

fn main() {
    let card = br#"{"name": "Currency Agent", "version": "1.2.0", "skills": [
        {"id": "convert_currency", "name": "Convert", "description": "Converts amounts", "tags": ["currency"]}]}"#;
    let imported = read_all("currency.json", card, &Importing::new());

    for (place, registration) in &imported.registrations {
        println!("{place}: {}", registration.agent);
        for capability in &registration.capabilities {
            println!("  {capability}");
        }
    }
    assert!(imported.mistakes.is_empty());
    assert_eq!(imported.registrations.len(), 1);
}
