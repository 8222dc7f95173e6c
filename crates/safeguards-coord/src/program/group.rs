//! The process group of a program: told to stop, killed, and never confused with another.

use std::io;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::{
    process::Child,
    signal::unix::{SignalKind, signal},
};

use crate::{AgentError, AgentErrorKind};

/// A process group whose leader is our child and is not reaped yet, so that its number is nobody else's.
///
/// Dropped without [`ProcessGroup::forget`], it kills what is in it.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    leader: Option<Pid>,
}

impl ProcessGroup {
    /// The group that `child` leads.
    pub(super) fn led_by(child: &Child) -> Result<Self, AgentError> {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        match leader {
            Some(leader) => Ok(Self { leader: Some(leader) }),
            None => Err(AgentError::of(AgentErrorKind::NotStarted, "it has no process id")),
        }
    }

    /// Asks everything in the group to end.
    pub(super) fn terminate(&self) {
        self.send(Signal::TERM);
    }

    /// Ends everything in the group.
    pub(super) fn kill(&self) {
        self.send(Signal::KILL);
    }

    /// The leader is reaped: its number may be another's from now on.
    pub(super) fn forget(mut self) {
        self.leader = None;
    }

    /// Waits until the leader has exited, without reaping it: its number stays taken, so that the rest of the
    /// group can be killed by it.
    pub(super) async fn leader_exits(&self) -> io::Result<()> {
        let Some(leader) = self.leader else {
            return Ok(());
        };
        // Before the first look, so that no exit falls between the two.
        let mut children = signal(SignalKind::child())?;
        let looking = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        loop {
            match waitid(WaitId::Pid(leader), looking) {
                Ok(None) => {}
                Ok(Some(_)) => return Ok(()),
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            children.recv().await;
        }
    }

    fn send(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // What fails here has nobody left to send to.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
    }
}
