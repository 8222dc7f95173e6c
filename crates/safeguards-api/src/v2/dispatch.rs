//! [`Api::call`]: one function for everything that can be written.

use std::sync::Arc;

use safeguards_budget::{Command, HoldId, LedgerExt};
use safeguards_coord::{AgentTeam, RunOptions, RunQuery, Task, strategy_named};
use safeguards_types::{AccountId, Amount};

use super::{
    Api, Error, Pending, Request, Response, page,
    requests::{self as ask, Allocate, ExecuteTask, ResumeRun},
    responses as told,
};
use crate::refused::Fault;

impl Api {
    /// Carries out any request. What it does is told at the verb that the request names.
    ///
    /// ```
    /// use safeguards_api::{Safeguards, v2::Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let v2 = Safeguards::in_memory().v2();
    /// let request = r#"{"call":"agents.create","name":"reader","budget":"4 USD","priority":7}"#;
    /// let answer = v2.call(Request::from_json(request)?).await?;
    /// assert_eq!(
    ///     serde_json::to_string(&answer)?,
    ///     r#"{"call":"agents.create","agent":{"id":"reader","priority":7}}"#
    /// );
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As the verb, with the same code.
    #[expect(clippy::too_many_lines, reason = "a line or two for each call")]
    pub async fn call(&self, request: Request) -> Result<Response, Error> {
        Ok(match request {
            Request::MintOperation(ask::MintOperation {}) => {
                Response::MintOperation(told::OperationResponse { operation: self.operation() })
            }
            Request::CreateAgent(asked) => {
                Response::CreateAgent(told::AgentResponse { agent: self.ask(asked).await? })
            }
            Request::GetAgent(asked) => {
                let agent = self.agents().find(&asked.agent);
                Response::GetAgent(told::FoundAgentResponse { agent })
            }
            Request::ListAgents(ask::ListAgents {}) => {
                Response::ListAgents(told::AgentsResponse { agents: self.agents().list() })
            }
            Request::UpdateAgent(asked) => {
                Response::UpdateAgent(told::AgentResponse { agent: self.ask(asked).await? })
            }
            Request::DeleteAgent(asked) => {
                self.ask(asked).await?;
                Response::DeleteAgent(told::DoneResponse {})
            }
            Request::CreatePool(asked) => {
                Response::CreatePool(told::PoolResponse { pool: self.ask(asked).await? })
            }
            Request::GetPool(asked) => {
                let pool = self.pools().find(&asked.pool);
                Response::GetPool(told::FoundPoolResponse { pool })
            }
            Request::ListPools(ask::ListPools {}) => {
                Response::ListPools(told::PoolsResponse { pools: self.pools().list() })
            }
            Request::ListMembers(asked) => {
                let agents = self.pools().members(asked.pool).await?;
                Response::ListMembers(told::AgentsResponse { agents })
            }
            Request::UpdatePool(asked) => {
                Response::UpdatePool(told::PoolResponse { pool: self.ask(asked).await? })
            }
            Request::DeletePool(asked) => {
                self.ask(asked).await?;
                Response::DeletePool(told::DoneResponse {})
            }
            Request::Charge(asked) => Response::Charge(self.ask(asked).await?.into()),
            Request::ExtendHold(asked) => Response::ExtendHold(self.ask(asked).await?.into()),
            Request::Draw(asked) => Response::Draw(self.ask(asked).await?.into()),
            Request::Settle(asked) => Response::Settle(self.ask(asked).await?.into()),
            Request::Release(asked) => Response::Release(self.ask(asked).await?.into()),
            Request::Record(asked) => Response::Record(self.ask(asked).await?.into()),
            Request::Refund(asked) => Response::Refund(self.ask(asked).await?.into()),
            Request::Transfer(asked) => Response::Transfer(self.ask(asked).await?.into()),
            Request::AllocateExactly(asked) => {
                Response::AllocateExactly(self.ask(asked).await?.into())
            }
            Request::Reclaim(asked) => Response::Reclaim(self.ask(asked).await?.into()),
            Request::Suspend(asked) => Response::Suspend(self.ask(asked).await?.into()),
            Request::Resume(asked) => Response::Resume(self.ask(asked).await?.into()),
            Request::SetLimit(asked) => Response::SetLimit(self.ask(asked).await?.into()),
            Request::RemoveLimit(asked) => Response::RemoveLimit(self.ask(asked).await?.into()),
            Request::SetRemaining(asked) => Response::SetRemaining(self.ask(asked).await?.into()),
            Request::SetProtection(asked) => Response::SetProtection(self.ask(asked).await?.into()),
            Request::Hold(asked) => {
                let hold = HoldId::placed_by(asked.op);
                let receipt = self.core.ledger.apply(Command::from(asked)).await?.into();
                Response::Hold(told::HoldResponse { hold, receipt })
            }
            Request::Allocate(Allocate { pool, plan, op }) => {
                Response::Allocate(self.budget().allocate(pool, plan, op).await?.into())
            }
            Request::JoinPool(asked) => {
                Response::JoinPool(told::AgentResponse { agent: self.ask(asked).await? })
            }
            Request::LeavePool(asked) => {
                Response::LeavePool(told::AgentResponse { agent: self.ask(asked).await? })
            }
            Request::GetAccount(asked) => {
                let account = self.budget().account(asked.account).await?.map(Into::into);
                Response::GetAccount(told::AccountResponse { account })
            }
            Request::GetUsage(asked) => {
                Response::GetUsage(self.budget().usage::<AccountId>(asked.accounts).await?.into())
            }
            Request::FindAccounts(asked) => Response::FindAccounts(self.ask(asked).await?.into()),
            Request::GetHold(asked) => {
                let hold = self.budget().hold_view(asked.hold).await?.map(Into::into);
                Response::GetHold(told::HoldViewResponse { hold })
            }
            Request::GetEntries(asked) => Response::GetEntries(self.ask(asked).await?.into()),
            Request::BurnRate(ask::BurnRate { account, unit, over }) => {
                let rate = self.budget().burn_rate(account, &unit, over).await?;
                let amount = Amount::new(rate.amount(), unit);
                Response::BurnRate(told::BurnRateResponse { amount, over })
            }
            Request::RequestApproval(asked) => {
                let ask::RequestApproval { change, by, reason, expires_at } = asked;
                let approval = self.approvals().request(change, by, reason, expires_at);
                Response::RequestApproval(told::ApprovalResponse { approval })
            }
            Request::ApproveChange(ask::ApproveChange { mut approval, by }) => {
                self.approvals().approve(&mut approval, by).await?;
                Response::ApproveChange(told::ApprovalResponse { approval })
            }
            Request::RejectChange(ask::RejectChange { mut approval, by, reason }) => {
                self.approvals().reject(&mut approval, by, reason)?;
                Response::RejectChange(told::ApprovalResponse { approval })
            }
            Request::ApplyApproval(ask::ApplyApproval { mut approval }) => {
                let receipt = self.approvals().apply(&mut approval).await?.into();
                Response::ApplyApproval(told::AppliedResponse { approval, receipt })
            }
            Request::GetAgentMetrics(asked) => {
                Response::GetAgentMetrics(self.metrics().agent(asked.agent).await?)
            }
            Request::GetPoolMetrics(asked) => {
                Response::GetPoolMetrics(self.metrics().pool(asked.pool).await?)
            }
            Request::GetSystemMetrics(ask::GetSystemMetrics {}) => {
                Response::GetSystemMetrics(self.metrics().system().await?)
            }
            Request::GetWorkloads(asked) => {
                let workloads = self.metrics().workloads(asked.pool).await?;
                Response::GetWorkloads(told::WorkloadsResponse { workloads })
            }
            Request::ExecuteTask(asked) => Response::ExecuteTask(self.execute(asked).await?),
            Request::ResumeRun(asked) => Response::ResumeRun(self.go_on(asked).await?),
            Request::ListRuns(asked) => {
                let runs = self.runs().list(&RunQuery::from(asked)).await?;
                Response::ListRuns(told::RunsResponse { runs })
            }
            Request::GetRun(asked) => {
                let run = self.runs().view(&asked.run).await?;
                Response::GetRun(told::RunResponse { run })
            }
            Request::GetRunEntries(ask::GetRunEntries { run, from, limit }) => {
                let limit = page::len(limit);
                let entries = self.runs().entries(&run, from.unwrap_or(0), limit).await?;
                Response::GetRunEntries(told::RunEntriesResponse { entries })
            }
            Request::Advertise(ask::Advertise { agent, capability, ttl }) => {
                let lease = self.discovery().advertise(agent, capability, ttl).await?;
                Response::Advertise(told::LeaseResponse { lease })
            }
            Request::RenewLease(ask::RenewLease { lease, status }) => {
                let lease = self.discovery().renew(&lease, status).await?;
                Response::RenewLease(told::LeaseResponse { lease })
            }
            Request::Withdraw(ask::Withdraw { agent, capability, version }) => {
                self.discovery().withdraw(agent, &capability, version).await?;
                Response::Withdraw(told::DoneResponse {})
            }
            Request::FindAgents(asked) => {
                Response::FindAgents(self.discovery().find(asked.query).await?.into())
            }
            Request::GetDiscovered(asked) => {
                let agent = self.discovery().agent(asked.agent).await?.map(Into::into);
                Response::GetDiscovered(told::RecordResponse { agent })
            }
        })
    }

    fn ask<R>(&self, request: R) -> Pending<R> {
        Pending::new(Arc::clone(&self.core), request)
    }

    async fn execute(&self, asked: ExecuteTask) -> Result<told::ReportResponse, Error> {
        let ExecuteTask { team, task, strategy, op, input, within } = asked;
        let (team, strategy) = (self.team(&team)?, strategy_named(&strategy)?);
        let options = RunOptions::new(op).within(within.unwrap_or(RunOptions::WITHIN));
        let task = Task::new(task).with_input(input);
        let report = team.runner().run(team.team(), task, &*strategy, options).await?;
        Ok(told::ReportResponse { report: report.into() })
    }

    async fn go_on(&self, asked: ResumeRun) -> Result<told::ReportResponse, Error> {
        let ResumeRun { team, run, strategy, op } = asked;
        let (team, strategy) = (self.team(&team)?, strategy_named(&strategy)?);
        let options = RunOptions::new(op);
        let report = team.runner().resume(team.team(), &run, &*strategy, options).await?;
        Ok(told::ReportResponse { report: report.into() })
    }

    fn team(&self, name: &str) -> Result<AgentTeam, Error> {
        let teams = self.teams();
        let unknown = || Fault::UnknownTeam { team: name.to_owned(), known: teams.list() };
        Ok(teams.find(name).ok_or_else(unknown)?)
    }
}
