//! [`Safeguards::call`]: a version and a request as text, for programs that choose at run time.

use serde::Serialize;
use serde_json::json;

use crate::{ApiVersion, Safeguards, refused::Fault, v1, v2};

impl Safeguards {
    /// Carries out a request that is written as JSON, by the version of this name: `v1`, `v2` or `latest`.
    ///
    /// ```
    /// use safeguards_api::Safeguards;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), String> {
    /// let sg = Safeguards::in_memory();
    /// sg.call("v2", r#"{"call":"agents.create","name":"reader","budget":"4 USD","priority":7}"#).await?;
    /// let left = sg.call("v1", r#"{"call":"budgets.get","account":"reader"}"#).await?;
    /// assert_eq!(left, r#"{"call":"budgets.get","remaining_budget":"4.00 USD"}"#);
    ///
    /// let refused = sg.call("v3", "{}").await.unwrap_err();
    /// assert!(refused.starts_with(r#"{"code":"api.unknown_version","#));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The JSON of [`v1::Error`] or [`v2::Error`], which have the same keys: where there is no such version, the text is
    /// none of its requests, or the verb that it names fails.
    pub async fn call(&self, version: &str, request: &str) -> Result<String, String> {
        match version.parse::<ApiVersion>() {
            Ok(ApiVersion::V1) => match v1::Request::from_json(request) {
                Ok(request) => told(&self.v1().call(request).await),
                Err(error) => Err(text(&error)),
            },
            Ok(ApiVersion::V2) => match v2::Request::from_json(request) {
                Ok(request) => told(&self.v2().call(request).await),
                Err(error) => Err(text(&error)),
            },
            Err(error) => Err(text(&v2::Error::from(error))),
        }
    }
}

fn told<T: Serialize, E: Serialize>(answer: &Result<T, E>) -> Result<String, String> {
    match answer {
        Ok(answer) => serde_json::to_string(answer)
            .map_err(|error| text(&v2::Error::from(Fault::NotWritten(error.to_string())))),
        Err(error) => Err(text(error)),
    }
}

/// An error as JSON. Of one that cannot be written, which none is known of, that is said in its place.
fn text<E: Serialize>(error: &E) -> String {
    serde_json::to_string(error).unwrap_or_else(|error| {
        let error = v2::Error::from(Fault::NotWritten(error.to_string()));
        json!({ "code": error.code, "message": error.message }).to_string()
    })
}
