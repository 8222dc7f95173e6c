//! [`PricedAgent`]: an agent whose model has a price of its own.

use std::sync::Arc;

use async_trait::async_trait;
use safeguards_coord::{Agent, AgentError, Context, Cost, Descriptor, Reply, Task};
use safeguards_pricing::Price;
use safeguards_types::{Amount, Amounts, Quantity, Unit};

/// An agent whose model costs what its own price says, whatever the model is called.
///
/// A usage that it reports becomes a cost here, before the runner's price table is asked; its tokens are counted
/// besides, as the runner does it. One that cannot be priced (more cached than input tokens, say) stays unknown:
/// the estimate counts as spent, and a note says why.
#[derive(Clone, Debug)]
pub struct PricedAgent {
    inner: Arc<dyn Agent>,
    price: Price,
}

impl PricedAgent {
    /// Prices what `inner` uses by `price`.
    pub const fn new(inner: Arc<dyn Agent>, price: Price) -> Self {
        Self { inner, price }
    }

    /// What a usage costs, its tokens counted besides, and what is to be said about it.
    fn priced(&self, cost: Cost) -> (Cost, Vec<String>) {
        let Cost::Usage { model, usage } = cost else {
            return (cost, Vec::new());
        };
        let count = usage.input_tokens.saturating_add(usage.output_tokens);
        let tokens = Quantity::from_units(count).unwrap_or(Quantity::MAX);
        match self.price.cost(&usage) {
            Ok(amount) => {
                let notes = self.price.notes(&usage).into_iter();
                let mut amounts = Amounts::from(Amount::new(tokens, Unit::TOKENS));
                amounts.add(&amount);
                (amounts.into(), notes.map(|note| format!("{model}: {note}")).collect())
            }
            Err(error) => {
                (Cost::Unknown, vec![format!("usage of {model} was not priced: {error}")])
            }
        }
    }
}

#[async_trait]
impl Agent for PricedAgent {
    fn descriptor(&self) -> &Descriptor {
        self.inner.descriptor()
    }

    async fn run(&self, task: Task, cx: Context) -> Result<Reply, AgentError> {
        match self.inner.run(task, cx.clone()).await {
            Ok(mut reply) => {
                let (cost, notes) = self.priced(std::mem::take(&mut reply.cost));
                reply.notes.extend(notes);
                Ok(reply.cost(cost))
            }
            Err(error) => {
                let (cost, notes) = self.priced(error.spent().clone());
                for note in notes {
                    cx.log(note);
                }
                Err(error.cost(cost))
            }
        }
    }
}
