//! Programs in Markdown pages are whole: readers copy what they see, and only rustdoc hides lines.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The lines that rustdoc would hide, in pages that are read elsewhere too.
pub(super) fn complaints(files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let pages = files.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "md"));
    pages.flat_map(|(path, text)| hidden(path, text)).collect()
}

fn hidden(path: &Path, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut is_rust = false;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        if let Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) = event {
            is_rust = language.split(',').any(|word| word == "rust");
        } else if let Event::End(TagEnd::CodeBlock) = event {
            is_rust = false;
        } else if let (Event::Text(code), true) = (event, is_rust) {
            let first = 1 + text[..range.start].matches('\n').count();
            let is_hidden = |line: &str| line == "#" || line.starts_with("# ");
            let lines = (first..).zip(code.lines()).filter(|(_, code)| is_hidden(code));
            complaints.extend(lines.map(|(line, code)| {
                format!(
                    "{}:{line}: `{code}` is hidden from whoever reads the manual, and stands there on other sites; \
                     show the whole program",
                    path.display()
                )
            }));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_lines_of_programs_are_told_and_no_others() {
        let page = "# Title\n\n```rust\n# use a::b;\nfn main() {\n    # [attribute]\n}\n#\n```\n\n```sh\n# a comment\n```\n\
                    \n```rust,no_run\n#[main]\nfn main() {}\n```\n";
        let files = BTreeMap::from([
            (PathBuf::from("docs/page.md"), page.to_owned()),
            (PathBuf::from("src/lib.rs"), page.to_owned()),
        ]);
        let told = complaints(&files);
        let places: Vec<_> = told.iter().filter_map(|told| told.split(": ").next()).collect();
        assert_eq!(places, ["docs/page.md:4", "docs/page.md:8"]);
    }
}
