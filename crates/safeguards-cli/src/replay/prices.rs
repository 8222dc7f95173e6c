//! [`Prices`]: what models cost in a replay; the user's own file goes over the built-in table.

use std::path::Path;

use safeguards_pricing::{Price, PriceError, PriceTable};

use super::error::ReplayError;
use crate::files;

/// What models cost.
#[derive(Debug)]
pub(crate) struct Prices {
    table: PriceTable,
    /// The user's own file.
    file: Option<String>,
}

/// A model that has no one price, and where that was looked for.
#[derive(Debug, thiserror::Error)]
#[error("{error}{}", place(file.as_deref()))]
pub(crate) struct Unpriced {
    error: PriceError,
    file: Option<String>,
}

fn place(file: Option<&str>) -> String {
    file.map(|file| format!("; looked for in {file} and in the built-in prices"))
        .unwrap_or_default()
}

impl Unpriced {
    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        self.error.code()
    }
}

impl Prices {
    /// Reads the user's file, if there is one.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, ReplayError> {
        let builtin = PriceTable::builtin();
        let Some(path) = path else {
            return Ok(Self { table: builtin.clone(), file: None });
        };
        let file = path.display().to_string();
        let text = files::read(path, files::PRICE_FILE_MAX)
            .map_err(|source| ReplayError::PriceFileUnread { file: file.clone(), source })?;
        let table = PriceTable::parse(&file, &text)?.over(builtin);
        Ok(Self { table, file: Some(file) })
    }

    /// The price of a model.
    pub(crate) fn find(&self, model: &str) -> Result<&Price, Unpriced> {
        match self.table.find(model) {
            Ok((_, price)) => Ok(price),
            Err(error) => Err(Unpriced { error, file: self.file.clone() }),
        }
    }
}
