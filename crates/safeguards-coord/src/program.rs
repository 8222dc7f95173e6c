//! [`ProgramAgent`]: any program as an agent; JSON in, JSON lines out.

mod env;
mod group;
mod lines;
mod protocol;
mod spoken;

use std::{io, path::PathBuf, process::ExitStatus, process::Stdio, time::Duration};

use async_trait::async_trait;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, Command},
    time::{sleep, timeout},
};

pub use self::env::EnvPolicy;
use self::{
    group::ProcessGroup,
    lines::{read_log, read_output},
    protocol::{Transcript, request},
};
use crate::{Agent, AgentError, AgentErrorKind, Context, Descriptor, Reply, Task};

/// How long the rest of the output is waited for once everything in the process group is dead. Only a child
/// that left the group can keep it open.
const DRAIN: Duration = Duration::from_secs(1);

/// How much longer than its own grace a program may take to be killed, read to its end and reaped.
const REAPING: Duration = Duration::from_secs(2);

/// Any program as an agent.
///
/// It gets one JSON object on stdin, then the end of the file:
///
/// ```json
/// {"task":"compare","input":null,"run":"r-7f3c","step":"research","attempt":1,"operation":"019b8d3f-4a00-7000-8000-5d1f3a60c2e4","held":{"USD":"0.20","requests":"1"},"deadline":"2026-03-02T14:12:07Z"}
/// ```
///
/// On stdout it writes JSON lines: progress as it likes, with what it has drawn so far all in all, and as its
/// last line one result, in one of these forms. Amounts are text; other keys are refused.
///
/// ```json
/// {"progress":"2 of 5 sources","drawn":{"USD":"0.0700"}}
/// {"output":"...","cost":{"USD":"0.1840"}}
/// {"output":"...","usage":{"model":"small-8b","input_tokens":9800,"output_tokens":2610}}
/// {"error":"source is down","retry":true,"cost":{"USD":"0.0031"}}
/// ```
///
/// Without `cost` or `usage` what it had drawn counts as spent, else the estimate. A result that is followed
/// by an exit code other than 0 is a failure, and its cost counts. So does what a line says of its cost that
/// is refused or is not the last: the largest of all that was said is settled, and no less than the estimate
/// where some of it cannot be read. Lines before the result that are no JSON
/// object go to the step's log, as does stderr.
///
/// # What it runs in
///
/// A process group of its own. At the deadline, or when the run is cancelled, the group gets SIGTERM, then
/// the program has its grace ([`ProgramAgent::grace`], 2 s unless set) to write a last line and end, then the
/// group gets SIGKILL. Children that it leaves behind when it ends are killed too. A child that leaves the
/// group (`setsid`) escapes.
///
/// Its environment is what its [`EnvPolicy`] says and nothing else; its folder that of the host, unless
/// [`ProgramAgent::folder`] is set.
///
/// ```
/// use std::time::Duration;
/// use safeguards_coord::{Agent, ProgramAgent};
///
/// let counter = ProgramAgent::new("counter", "sh")
///     .args(["-c", r#"echo "{\"output\":$(wc -w), \"cost\":{}}""#])
///     .grace(Duration::from_secs(5));
/// assert_eq!(counter.descriptor().id.as_str(), "counter");
/// ```
#[derive(Clone, Debug)]
pub struct ProgramAgent {
    descriptor: Descriptor,
    program: String,
    args: Vec<String>,
    folder: Option<PathBuf>,
    env: EnvPolicy,
    grace: Duration,
    output_max: u64,
}

/// Why the program was not left to itself until it ended.
enum CutShort {
    /// It was told to stop.
    Told,
    /// It wrote more than it may.
    TooLarge,
}

impl ProgramAgent {
    /// How many bytes a program may write to stdout unless it is set: 8 MiB.
    pub const OUTPUT_MAX: u64 = 8 * 1024 * 1024;

    /// The program `program`: a path, or a name to be found in the `PATH` that its environment has.
    pub fn new(descriptor: impl Into<Descriptor>, program: impl Into<String>) -> Self {
        let agent = Self {
            descriptor: descriptor.into(),
            program: program.into(),
            args: Vec::new(),
            folder: None,
            env: EnvPolicy::default(),
            grace: Duration::ZERO,
            output_max: Self::OUTPUT_MAX,
        };
        agent.grace(Descriptor::GRACE)
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs it in this folder. A relative path of the program is then meant from there.
    #[must_use]
    pub fn folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// Sets what environment it has.
    #[must_use]
    pub fn env(self, env: EnvPolicy) -> Self {
        Self { env, ..self }
    }

    /// Sets how long it has from SIGTERM to SIGKILL.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        let until_reaped = grace.saturating_add(DRAIN).saturating_add(REAPING);
        Self { descriptor: self.descriptor.grace(until_reaped), grace, ..self }
    }

    /// Sets how many bytes it may write to stdout, progress included. More kills it.
    #[must_use]
    pub fn output_max(self, bytes: u64) -> Self {
        Self { output_max: bytes, ..self }
    }

    fn start(&self) -> Result<Child, AgentError> {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(self.env.resolve());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command.spawn().map_err(|error| self.not_started(error))
    }

    fn not_started(&self, error: io::Error) -> AgentError {
        let program = &self.program;
        let folder = self.folder.as_ref().filter(|folder| !folder.is_dir());
        match (error.kind(), folder) {
            (io::ErrorKind::NotFound | io::ErrorKind::NotADirectory, Some(folder)) => {
                let message = format!("its folder {} does not exist", folder.display());
                AgentError::of(AgentErrorKind::NotStarted, message)
            }
            (io::ErrorKind::NotFound, _) => {
                AgentError::of(AgentErrorKind::NotFound, self.not_found())
            }
            (io::ErrorKind::PermissionDenied, _) => {
                let message = format!("`{program}` is no program that may be executed");
                AgentError::of(AgentErrorKind::NotStarted, message)
            }
            // The messages above say all that their cause says; this one does not.
            _ => {
                let message = format!("`{program}` could not be started");
                AgentError::of(AgentErrorKind::NotStarted, message).caused_by(error)
            }
        }
    }
}

impl ProgramAgent {
    /// What is not there: the program, or what its first line wants it to be run by.
    fn not_found(&self) -> String {
        let program = &self.program;
        let folder = self.folder.clone().unwrap_or_default();
        if program.contains('/') && folder.join(program).exists() {
            return format!(
                "`{program}` is there, but the interpreter that its first line names is not"
            );
        }
        format!(
            "there is no program `{program}`, or the interpreter that its first line names is not there; \
             write a path, or a name that is in its PATH"
        )
    }
}

#[async_trait]
impl Agent for ProgramAgent {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    async fn run(&self, task: Task, cx: Context) -> Result<Reply, AgentError> {
        let mut child = self.start()?;
        // Declared after the child, so dropped before it: the group dies while its leader's id is still taken.
        let group = ProcessGroup::led_by(&child)?;
        let mut transcript = Transcript::new(cx.clone());
        let (cut_short, drained) = {
            let feeding = feed(child.stdin.take(), request(&task, &cx));
            let reading = read_output(child.stdout.take(), self.output_max, &mut transcript);
            let logging = read_log(child.stderr.take(), &cx);
            // What counts is what is on stdout: more of it than may be ends the talk, whatever the other two do.
            let talking = async {
                tokio::try_join!(infallible(feeding), reading, infallible(logging)).map(drop)
            };
            self.attend(talking, &group, &cx).await?
        };
        let status = child.wait().await;
        group.forget();
        let status = status.map_err(|error| {
            AgentError::of(AgentErrorKind::NoResult, "nobody can say how it ended").caused_by(error)
        })?;
        if !drained {
            cx.log("a child that left the process group keeps its output open; what comes now is not read");
        }
        self.judge(transcript, status, cut_short.as_ref())
    }
}

impl ProgramAgent {
    /// Stays with the program until it has ended and nothing of its group is left. Gives why it was cut short,
    /// if it was, and whether its output was read to the end.
    async fn attend(
        &self,
        talking: impl Future<Output = Result<(), lines::TooLarge>>,
        group: &ProcessGroup,
        cx: &Context,
    ) -> Result<(Option<CutShort>, bool), AgentError> {
        let mut talking = std::pin::pin!(talking);
        let mut talked = false;
        let mut cut_short = None;
        let exit = group.leader_exits();
        let mut exit = std::pin::pin!(exit);
        // Begins when it is first asked for, and is one and the same whatever the program does after that.
        let grace = async { sleep(self.grace).await };
        let mut grace = std::pin::pin!(grace);
        loop {
            let is_told = matches!(cut_short, Some(CutShort::Told));
            tokio::select! {
                biased;
                said = &mut talking, if !talked => {
                    talked = true;
                    if said.is_err() {
                        cut_short = Some(CutShort::TooLarge);
                        break;
                    }
                }
                exited = &mut exit => {
                    exited.map_err(|error| {
                        AgentError::of(AgentErrorKind::NoResult, "its end cannot be waited for").caused_by(error)
                    })?;
                    break;
                }
                () = cx.cancelled(), if !is_told => {
                    cut_short = Some(CutShort::Told);
                    group.terminate();
                }
                () = &mut grace, if is_told => break,
            }
        }
        group.kill();
        if !talked {
            let rest = timeout(DRAIN, &mut talking).await;
            if matches!(rest, Ok(Err(lines::TooLarge))) {
                cut_short = Some(CutShort::TooLarge);
            }
            talked = rest.is_ok();
        }
        Ok((cut_short, talked))
    }

    /// What is made of all that.
    fn judge(
        &self,
        transcript: Transcript,
        status: ExitStatus,
        cut_short: Option<&CutShort>,
    ) -> Result<Reply, AgentError> {
        match cut_short {
            Some(CutShort::TooLarge) => {
                let message = format!(
                    "wrote more than {} bytes to stdout, all that it may, and was killed",
                    self.output_max
                );
                Err(AgentError::of(AgentErrorKind::OutputTooLarge, message).cost(transcript.cost()))
            }
            Some(CutShort::Told) => transcript.judge(status).map_err(|error| {
                let message = format!("told to stop; {error}");
                AgentError::of(AgentErrorKind::Cancelled, message).cost(error.spent().clone())
            }),
            None => transcript.judge(status),
        }
    }
}

/// `exit code 3`, or `signal 9`.
fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "neither exit code nor signal".to_owned(),
    }
}

/// Takes part in a talk that fails by others alone.
async fn infallible(part: impl Future<Output = ()>) -> Result<(), lines::TooLarge> {
    part.await;
    Ok(())
}

/// Writes the request. A program that does not read it is none the worse for it.
async fn feed(stdin: Option<ChildStdin>, request: Vec<u8>) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(&request).await;
        let _ = stdin.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn why_nothing_was_started_is_said_once() {
        #[track_caller]
        fn check(error: io::Error, message: &str, cause: Option<&str>) {
            let error = ProgramAgent::new("a", "agent").not_started(error);
            let source = error.source().map(ToString::to_string);
            assert_eq!((error.to_string().as_str(), source.as_deref()), (message, cause));
        }
        check(
            io::Error::other("too many processes"),
            "`agent` could not be started",
            Some("too many processes"),
        );
        check(
            io::ErrorKind::PermissionDenied.into(),
            "`agent` is no program that may be executed",
            None,
        );
    }
}
