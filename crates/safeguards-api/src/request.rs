//! What requests of every version share: they are built up, and `.await` sends them.

use std::{future::Future, pin::Pin};

/// The future of a request.
pub type RequestFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Makes `.await` on a request call its `send`.
macro_rules! awaited {
    ($request:ty => $output:ty) => {
        impl std::future::IntoFuture for $request {
            type Output = $output;
            type IntoFuture = $crate::request::RequestFuture<$output>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.send())
            }
        }
    };
}

pub(crate) use awaited;
