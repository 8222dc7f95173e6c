//! Redis, with the script that people write who have no ledger. An answer follows its flush: `appendfsync always`.

use std::{process::Command, time::Duration};

use redis::{Script, aio::MultiplexedConnection};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{bench::now, server::Server};

/// Takes an amount at each level where enough is left at all, once for each operation, and enters it.
const CHARGE: &str = "
    if not redis.call('SET', KEYS[4], '1', 'NX', 'EX', 86400) then return 'again' end
    for level = 1, 3 do
        local spent = tonumber(redis.call('GET', KEYS[level]) or '0')
        if spent + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return 'denied' end
    end
    for level = 1, 3 do redis.call('INCRBY', KEYS[level], ARGV[1]) end
    redis.call('XADD', 'entries', '*', 'account', KEYS[1], 'amount', ARGV[1])
    return 'charged'
";

/// A server, and a connection that all writers share, in which what they ask goes out together.
pub(crate) struct Redis {
    runtime: Runtime,
    connection: MultiplexedConnection,
    charged: u32,
    _server: Server,
}

impl Redis {
    pub(crate) fn start() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let socket = folder.path().join("redis.sock");
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--appendonly", "yes", "--appendfsync", "always"]);
        command.args(["--save", "", "--dir"]).arg(folder.path());
        command.arg("--unixsocket").arg(&socket);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let client = redis::Client::open(format!("unix://{}", socket.display())).unwrap();
        let mut connection = None;
        let server = Server::start(folder, &mut command, || {
            connection = runtime.block_on(client.get_multiplexed_async_connection()).ok();
            connection.is_some()
        })?;
        Ok(Self { runtime, connection: connection.unwrap(), charged: 0, _server: server })
    }

    /// So many charges by so many writers, each waiting for its answer.
    pub(crate) fn charge(&mut self, writers: u32, count: u32) -> Duration {
        let each = count / writers;
        let begin = now();
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for writer in 0..writers {
                let (mut connection, script) = (self.connection.clone(), Script::new(CHARGE));
                let first = self.charged + writer * each;
                tasks.spawn(async move {
                    for op in first..first + each {
                        let mut asked = script.key("agent");
                        asked.key("team").key("org").key(format!("op:{op}"));
                        asked.arg(10_000).arg(1_000_000_000_000_i64);
                        let said: String = asked.invoke_async(&mut connection).await.unwrap();
                        assert_eq!(said, "charged");
                    }
                });
            }
            tasks.join_all().await;
        });
        self.charged += count;
        now() - begin
    }
}
