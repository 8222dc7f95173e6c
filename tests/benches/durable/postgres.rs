//! PostgreSQL, with the transaction that people write who have no ledger: an update for each level that is only made
//! where enough is left, and an entry.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use tokio::{runtime::Runtime, task::JoinSet};
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::{
    bench::now,
    server::{Servant, Server, free_port, not_started, of_postgres},
};

/// How many connections it lets be made; more writers than that share them.
const CONNECTIONS: u32 = 64;

const SCHEMA: &str = "
    CREATE TABLE account (name text PRIMARY KEY, spent bigint NOT NULL, most bigint NOT NULL);
    CREATE TABLE entry (id bigserial PRIMARY KEY, op bigint NOT NULL UNIQUE, account text NOT NULL,
        amount bigint NOT NULL, at timestamptz NOT NULL DEFAULT now());
    INSERT INTO account VALUES
        ('org', 0, 1000000000000), ('team', 0, 1000000000000), ('agent', 0, 1000000000000);
";

/// A server with as many clients as there are writers.
pub(crate) struct Postgres {
    runtime: Runtime,
    clients: Vec<ByHand>,
    charged: i64,
    _server: Server,
}

/// A client and what it has prepared.
struct ByHand {
    client: Client,
    take: Statement,
    enter: Statement,
}

impl Postgres {
    /// Starts a server as it comes, on the disk that ours is on: an answer follows its flush.
    pub(crate) fn start(writers: u32) -> Result<Self, String> {
        let servant = Servant::find()?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        servant.give(folder.path());
        let data = folder.path().join("data");
        let program = of_postgres("initdb");
        let made = servant
            .command(&program, folder.path())
            .args(["--username=bench", "--auth=trust", "--encoding=UTF8", "--pgdata"])
            .arg(&data)
            .output()
            .map_err(|error| not_started(&program.display().to_string(), &error))?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)));
        }
        let port = free_port();
        let mut command = servant.command(of_postgres("postgres"), folder.path());
        command.arg("-D").arg(&data).arg("-k").arg(folder.path());
        command.args(["-c", "listen_addresses=", "-p", &port.to_string()]);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let mut config = Config::new();
        config.user("bench").dbname("postgres").port(port).host_path(folder.path());
        let mut first = None;
        let server = Server::start(folder, &mut command, || {
            first = runtime.block_on(connect(&config)).ok();
            first.is_some()
        })?;
        let clients = runtime.block_on(async {
            first.unwrap().batch_execute(SCHEMA).await.unwrap();
            let mut clients = Vec::new();
            for _ in 0..writers.min(CONNECTIONS) {
                clients.push(ByHand::new(connect(&config).await.unwrap()).await);
            }
            clients
        });
        Ok(Self { runtime, clients, charged: 0, _server: server })
    }

    /// So many charges, each a transaction.
    pub(crate) fn charge(&mut self, count: u32) -> Duration {
        let each = i64::from(count) / i64::try_from(self.clients.len()).unwrap();
        let begin = now();
        let clients = std::mem::take(&mut self.clients);
        self.clients = self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for (mut by_hand, first) in
                clients.into_iter().zip((self.charged..).step_by(usize::try_from(each).unwrap()))
            {
                tasks.spawn(async move {
                    for op in first..first + each {
                        by_hand.charge(op).await.unwrap();
                    }
                    by_hand
                });
            }
            tasks.join_all().await
        });
        self.charged += i64::from(count);
        now() - begin
    }
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

impl ByHand {
    async fn new(client: Client) -> Self {
        let take = "UPDATE account SET spent = spent + $2 WHERE name = $1 AND spent + $2 <= most";
        let enter = "INSERT INTO entry (op, account, amount) VALUES ($1, $2, $3)";
        let take = client.prepare(take).await.unwrap();
        let enter = client.prepare(enter).await.unwrap();
        Self { client, take, enter }
    }

    async fn charge(&mut self, op: i64) -> Result<(), tokio_postgres::Error> {
        const AMOUNT: i64 = 10_000;
        let transaction = self.client.transaction().await?;
        for account in ["agent", "team", "org"] {
            let taken = transaction.execute(&self.take, &[&account, &AMOUNT]).await?;
            assert_eq!(taken, 1, "enough is left");
        }
        transaction.execute(&self.enter, &[&op, &"agent", &AMOUNT]).await?;
        transaction.commit().await
    }
}
