//! The lock of the ledger in memory. Under `cfg(shuttle)` a model checker takes its place, which tries out in
//! which order threads may come to it.

#[cfg(not(shuttle))]
pub(crate) use parking_lot::Mutex;

#[cfg(shuttle)]
pub(crate) use checked::Mutex;

#[cfg(shuttle)]
mod checked {
    use std::sync::PoisonError;

    use shuttle::sync::MutexGuard;

    /// The model checker's lock, asked as the other one is.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
