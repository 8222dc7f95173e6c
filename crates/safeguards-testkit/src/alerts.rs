//! What tests of alerts stand on: channels that record and that fail as told, a store that fails as told, and
//! the conformance suites for both seams.

mod channel_env;
mod faulty_channel;
mod faulty_store;
mod recording;
pub(crate) mod script;
mod store_env;

pub mod channel_cases;
pub mod store_cases;
#[doc(hidden)]
pub mod suite;

pub use channel_env::{ChannelEnv, Repeats};
pub use faulty_channel::{Attempt, ChannelFault, FaultyChannel};
pub use faulty_store::{FaultyAlertStore, StoreFault};
pub use recording::RecordingChannel;
pub use store_env::{StoreDesk, StoreEnv, StoreSetup};
