//! Every case for channels, against those of the crate and the one that records.

mod recording {
    use std::{future::ready, sync::Arc};

    use safeguards_testkit::{
        ChannelEnv, ChannelFault, FaultyChannel, RecordingChannel, Repeats, channel_conformance,
    };

    async fn make() -> ChannelEnv {
        let channel = RecordingChannel::new();
        let (seen, down) = (channel.clone(), FaultyChannel::new(channel.clone()));
        down.fail_always(ChannelFault::Down);
        let read = move || ready(seen.texts());
        ChannelEnv::new(Arc::new(channel), Repeats::Shown, read).failing(Arc::new(down))
    }

    channel_conformance!(make, fails);
}

mod console {
    use std::{future::ready, io, sync::Arc};

    use parking_lot::Mutex;
    use safeguards_notify::ConsoleChannel;
    use safeguards_testkit::{ChannelEnv, Repeats, channel_conformance};

    /// A terminal whose screen can be read.
    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A terminal that was closed.
    struct Closed;

    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    async fn make() -> ChannelEnv {
        let screen = Screen::default();
        let channel = Arc::new(ConsoleChannel::new(screen.clone()));
        let read = move || {
            let text = String::from_utf8(screen.0.lock().clone()).unwrap();
            ready(text.lines().map(str::to_owned).collect())
        };
        ChannelEnv::new(channel, Repeats::Once, read).failing(Arc::new(ConsoleChannel::new(Closed)))
    }

    channel_conformance!(make, fails);
}

mod json_lines {
    use std::{fs, future::ready, sync::Arc};

    use safeguards_notify::JsonLinesChannel;
    use safeguards_testkit::{ChannelEnv, Repeats, channel_conformance};

    async fn make() -> ChannelEnv {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.jsonl");
        let channel = Arc::new(JsonLinesChannel::open(&path).unwrap());
        let read = move || {
            let text = fs::read_to_string(&path).unwrap();
            ready(text.lines().map(str::to_owned).collect())
        };
        let env = ChannelEnv::new(channel, Repeats::Once, read).keeping(folder);
        #[cfg(target_os = "linux")]
        let env = env.failing(Arc::new(JsonLinesChannel::open("/dev/full").unwrap()));
        env
    }

    #[cfg(target_os = "linux")]
    channel_conformance!(make, fails);
    #[cfg(not(target_os = "linux"))]
    channel_conformance!(make);
}

/// A channel that keeps less than it says must not pass.
mod lossy {
    use std::{future::ready, sync::Arc};

    use async_trait::async_trait;
    use parking_lot::Mutex;
    use safeguards_notify::{Channel, Delivery, DeliveryError};
    use safeguards_testkit::{
        ChannelEnv, Repeats,
        alerts::{channel_cases, suite::run_channel},
    };

    /// Keeps the latest alert of a group, and not how many there were.
    #[derive(Clone, Debug, Default)]
    struct LatestOnly(Arc<Mutex<Vec<String>>>);

    #[async_trait]
    impl Channel for LatestOnly {
        async fn deliver(&self, delivery: &Delivery) -> Result<(), DeliveryError> {
            self.0.lock().push(delivery.notification().latest().to_string());
            Ok(())
        }
    }

    async fn make() -> ChannelEnv {
        let channel = LatestOnly::default();
        let seen = channel.clone();
        ChannelEnv::new(Arc::new(channel), Repeats::Shown, move || ready(seen.0.lock().clone()))
    }

    #[test]
    #[should_panic(expected = "37 alerts, in full or in number")]
    fn a_group_of_which_one_is_kept() {
        run_channel(make, channel_cases::a_group_arrives_in_full_or_in_number);
    }

    #[test]
    #[should_panic(expected = "4,712 alerts")]
    fn a_count_that_is_not_told() {
        run_channel(make, channel_cases::a_counted_group_arrives);
    }

    #[test]
    #[should_panic(expected = "1,000 alerts, in full or in number")]
    fn a_large_group_of_which_one_is_kept() {
        run_channel(make, channel_cases::the_largest_group_arrives);
    }
}
