//! [`Api::call`]: one function for everything, for programs that speak JSON.

use safeguards_coord::Task;

use super::{
    AgentIdsResponse, AgentResponse, AgentsResponse, AlertResponse, Api, BudgetResponse,
    CheckResponse, CostResponse, DoneResponse, Error, FoundAgentResponse, FoundPoolResponse,
    PoolResponse, PoolsResponse, PriorityResponse, Request, Response, StateResponse,
    requests as ask,
};

impl Api {
    /// Carries out any call. What it does is told at the verb that the request names.
    ///
    /// What cannot be written down is for Rust alone: handlers of alerts, and what agents of teams do.
    ///
    /// ```
    /// use safeguards_api::{Safeguards, v1::Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let v1 = Safeguards::in_memory().v1();
    /// let request = r#"{"call":"agents.create","name":"reader","initial_budget":"4 USD","priority":7}"#;
    /// let answer = v1.call(Request::from_json(request)?).await?;
    /// assert_eq!(
    ///     serde_json::to_string(&answer)?,
    ///     r#"{"call":"agents.create","agent":{"id":"reader","initial_budget":"4.00 USD","priority":7}}"#
    /// );
    /// let error = v1.call(Request::from_json(r#"{"call":"budgets.get","account":"writer"}"#)?).await.unwrap_err();
    /// assert_eq!(
    ///     serde_json::to_string(&error)?,
    ///     r#"{"code":"api.unknown","message":"there is no agent or pool `writer`; make it first"}"#
    /// );
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As the verb, with the same code.
    pub async fn call(&self, request: Request) -> Result<Response, Error> {
        use {Request as Ask, Response as Told};
        Ok(match request {
            Ask::CreateAgent(request) => Told::CreateAgent(self.create_agent(request).await?),
            Ask::GetAgent(request) => Told::GetAgent(self.get_agent(&request)),
            Ask::UpdateAgent(request) => Told::UpdateAgent(self.update_agent(request).await?),
            Ask::DeleteAgent(request) => Told::DeleteAgent(self.delete_agent(request).await?),
            Ask::ListAgents(_) => Told::ListAgents(self.list_agents()),
            Ask::GetAgentPriority(request) => Told::GetAgentPriority(self.priority(request).await?),
            Ask::GetBudget(request) => Told::GetBudget(self.get_budget(request).await?),
            Ask::UpdateBudget(request) => Told::UpdateBudget(self.update_budget(request).await?),
            Ask::RecordCost(request) => Told::RecordCost(self.record_cost(request).await?),
            Ask::CreatePool(request) => Told::CreatePool(self.create_pool(request).await?),
            Ask::GetPool(request) => Told::GetPool(self.get_pool(&request)),
            Ask::ListPools(_) => Told::ListPools(self.list_pools()),
            Ask::JoinPool(request) => Told::JoinPool(self.join_pool(request).await?),
            Ask::LeavePool(request) => Told::LeavePool(self.leave_pool(request).await?),
            Ask::GetPoolAgents(request) => Told::GetPoolAgents(self.pool_agents(request).await?),
            Ask::GetAgentMetrics(request) => {
                Told::GetAgentMetrics(self.metrics().get_agent_metrics(request.agent_id).await?)
            }
            Ask::GetPoolMetrics(request) => {
                Told::GetPoolMetrics(self.metrics().get_pool_metrics(request.pool_id).await?)
            }
            Ask::GetSystemMetrics(_) => {
                Told::GetSystemMetrics(self.metrics().get_system_metrics().await?)
            }
            Ask::GetConfiguration(_) => Told::GetConfiguration(self.configuration()),
            Ask::SendAlert(request) => Told::SendAlert(self.send_alert(request)),
            Ask::UpdateState(request) => Told::UpdateState(self.update_state(request).await?),
            Ask::GetState(request) => Told::GetState(self.get_state(request).await?),
            Ask::AddDependency(request) => Told::AddDependency(self.add_dependency(request)?),
            Ask::CheckDependencies(request) => Told::CheckDependencies(self.check(&request)?),
            Ask::GetMissingDependencies(request) => Told::GetMissingDependencies(
                self.dependencies().get_missing_dependencies(&request.task_id)?,
            ),
            Ask::CompleteTask(request) => Told::CompleteTask(self.complete_task(&request)?),
            Ask::ExecuteTask(request) => Told::ExecuteTask(self.execute_task(request).await?),
            Ask::RegisterCapability(request) => {
                Told::RegisterCapability(self.register_capability(request).await?)
            }
            Ask::FindAgents(request) => Told::FindAgents(self.find_agents(request).await?),
        })
    }

    async fn create_agent(&self, asked: ask::CreateAgentRequest) -> Result<AgentResponse, Error> {
        let ask::CreateAgentRequest { name, initial_budget, priority, pool } = asked;
        let request = self.agents().create_agent(name, initial_budget, priority);
        let request = pool.into_iter().fold(request, super::CreateAgent::pool);
        Ok(AgentResponse { agent: request.await? })
    }

    fn get_agent(&self, asked: &ask::GetAgentRequest) -> FoundAgentResponse {
        FoundAgentResponse { agent: self.agents().get_agent(&asked.id) }
    }

    async fn update_agent(&self, asked: ask::UpdateAgentRequest) -> Result<AgentResponse, Error> {
        let ask::UpdateAgentRequest { id, priority, pool } = asked;
        let request = self.agents().update_agent(id);
        let request = priority.into_iter().fold(request, super::UpdateAgent::priority);
        let request = match pool {
            None => request,
            Some(None) => request.no_pool(),
            Some(Some(pool)) => request.pool(pool),
        };
        Ok(AgentResponse { agent: request.await? })
    }

    async fn delete_agent(&self, asked: ask::DeleteAgentRequest) -> Result<DoneResponse, Error> {
        self.agents().delete_agent(asked.id).await?;
        Ok(DoneResponse {})
    }

    fn list_agents(&self) -> AgentsResponse {
        AgentsResponse { agents: self.agents().list_agents() }
    }

    async fn priority(
        &self,
        asked: ask::GetAgentPriorityRequest,
    ) -> Result<PriorityResponse, Error> {
        Ok(PriorityResponse { priority: self.budgets().get_agent_priority(asked.id).await? })
    }

    async fn get_budget(&self, asked: ask::GetBudgetRequest) -> Result<BudgetResponse, Error> {
        Ok(BudgetResponse { remaining_budget: self.budgets().get_budget(asked.account).await? })
    }

    async fn update_budget(&self, asked: ask::UpdateBudgetRequest) -> Result<DoneResponse, Error> {
        self.budgets().update_budget(asked.account, asked.amount).await?;
        Ok(DoneResponse {})
    }

    async fn record_cost(&self, asked: ask::RecordCostRequest) -> Result<CostResponse, Error> {
        let receipt = self.budgets().record_cost(asked.account, asked.cost).await?;
        Ok(CostResponse { remaining: receipt.available, is_overrun: !receipt.overrun.is_empty() })
    }

    async fn create_pool(&self, asked: ask::CreatePoolRequest) -> Result<PoolResponse, Error> {
        let ask::CreatePoolRequest { name, initial_budget, priority } = asked;
        let pool = self.budgets().create_budget_pool(name, initial_budget, priority).await?;
        Ok(PoolResponse { pool })
    }

    fn get_pool(&self, asked: &ask::GetPoolRequest) -> FoundPoolResponse {
        FoundPoolResponse { pool: self.budgets().get_budget_pool(&asked.id) }
    }

    fn list_pools(&self) -> PoolsResponse {
        PoolsResponse { pools: self.budgets().list_budget_pools() }
    }

    async fn join_pool(&self, asked: ask::JoinPoolRequest) -> Result<DoneResponse, Error> {
        self.budgets().join_budget_pool(asked.agent_id, asked.pool_id).await?;
        Ok(DoneResponse {})
    }

    async fn leave_pool(&self, asked: ask::LeavePoolRequest) -> Result<DoneResponse, Error> {
        self.budgets().leave_budget_pool(asked.agent_id, asked.pool_id).await?;
        Ok(DoneResponse {})
    }

    async fn pool_agents(
        &self,
        asked: ask::GetPoolAgentsRequest,
    ) -> Result<AgentIdsResponse, Error> {
        Ok(AgentIdsResponse { agent_ids: self.budgets().get_pool_agents(asked.pool_id).await? })
    }

    fn send_alert(&self, asked: ask::SendAlertRequest) -> AlertResponse {
        let ask::SendAlertRequest { agent_id, severity, message, metadata } = asked;
        let sent = self.alerts().send_alert(agent_id, severity, message, metadata);
        AlertResponse { alert_id: sent.id.to_string(), handled: sent.handled }
    }

    async fn update_state(&self, asked: ask::UpdateStateRequest) -> Result<DoneResponse, Error> {
        let ask::UpdateStateRequest { owner_id, key, value } = asked;
        self.state().update_state(&owner_id, key, value).await?;
        Ok(DoneResponse {})
    }

    async fn get_state(&self, asked: ask::GetStateRequest) -> Result<StateResponse, Error> {
        Ok(StateResponse { value: self.state().get_state(&asked.reader_id, asked.key).await? })
    }

    fn add_dependency(&self, asked: ask::AddDependencyRequest) -> Result<DoneResponse, Error> {
        let ask::AddDependencyRequest { task_id, depends_on, agent_id, required_resources } = asked;
        let (dependencies, agent_id) = (self.dependencies(), agent_id.as_ref());
        dependencies.add_dependency(&task_id, &depends_on, agent_id, required_resources)?;
        Ok(DoneResponse {})
    }

    fn check(&self, asked: &ask::CheckDependenciesRequest) -> Result<CheckResponse, Error> {
        let ask::CheckDependenciesRequest { task_id, available_resources } = asked;
        let can_execute = self.dependencies().check_dependencies(task_id, available_resources)?;
        Ok(CheckResponse { can_execute })
    }

    fn complete_task(&self, asked: &ask::CompleteTaskRequest) -> Result<DoneResponse, Error> {
        self.dependencies().complete_task(&asked.task_id)?;
        Ok(DoneResponse {})
    }

    async fn execute_task(
        &self,
        asked: ask::ExecuteTaskRequest,
    ) -> Result<super::TeamResult, Error> {
        let ask::ExecuteTaskRequest { team, task, coordination_strategy, input } = asked;
        let task = Task::new(task);
        let task = if input.is_null() { task } else { task.with_input(input) };
        self.teams().execute_task(&team, task, &coordination_strategy).await
    }

    async fn register_capability(
        &self,
        asked: ask::RegisterCapabilityRequest,
    ) -> Result<DoneResponse, Error> {
        let ask::RegisterCapabilityRequest { agent_id, capability, metadata } = asked;
        self.discovery().register_capability(&agent_id, &capability, metadata).await?;
        Ok(DoneResponse {})
    }

    async fn find_agents(&self, asked: ask::FindAgentsRequest) -> Result<AgentIdsResponse, Error> {
        let ask::FindAgentsRequest { capability, required_metadata } = asked;
        let discovery = self.discovery();
        let agent_ids = discovery.find_agents_by_capability(&capability, required_metadata).await?;
        Ok(AgentIdsResponse { agent_ids })
    }
}
