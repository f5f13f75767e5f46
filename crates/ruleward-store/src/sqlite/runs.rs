//! Evaluation runs.

use ruleward_types::{
    Error, EvaluationRun, Result, RuleNo, RunNo, RunState, RunTrigger, Timestamp,
};
use rusqlite::{Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Tx;
use crate::{ReadRuns, WriteRuns};

const RUN: &str = "SELECT no, rule, trigger, state, started, ended, chunks, chunks_done, judged,
                   undetermined, reason, calls, calls_done FROM evaluation_run";

/// The stored name of a unit variant.
fn name(variant: impl Serialize) -> Result<String> {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        other => Err(Error::internal("write a run", format!("{other:?}"))),
    }
}

fn variant<T: DeserializeOwned>(name: String) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(name))
        .map_err(|e| Error::internal("read a run", e))
}

struct Raw {
    run: EvaluationRun,
    trigger: String,
    state: String,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        run: EvaluationRun {
            no: RunNo(row.get(0)?),
            rule: RuleNo(row.get(1)?),
            trigger: RunTrigger::Manual,
            state: RunState::Running,
            started: Timestamp(row.get(4)?),
            ended: row.get::<_, Option<i64>>(5)?.map(Timestamp),
            chunks: row.get(6)?,
            chunks_done: row.get(7)?,
            judged: row.get(8)?,
            undetermined: row.get(9)?,
            reason: row.get(10)?,
            calls: row.get(11)?,
            calls_done: row.get(12)?,
        },
        trigger: row.get(2)?,
        state: row.get(3)?,
    })
}

fn run(raw: Option<Raw>) -> Result<Option<EvaluationRun>> {
    raw.map(|Raw { run, trigger, state }| {
        Ok(EvaluationRun { trigger: variant(trigger)?, state: variant(state)?, ..run })
    })
    .transpose()
}

impl ReadRuns for Tx<'_> {
    fn run(&self, no: RunNo) -> Result<Option<EvaluationRun>> {
        run(self.one(&format!("{RUN} WHERE no = ?1"), [no.0], raw)?)
    }

    fn last_run(&self, rule: RuleNo) -> Result<Option<EvaluationRun>> {
        let sql = format!("{RUN} WHERE rule = ?1 ORDER BY no DESC LIMIT 1");
        run(self.one(&sql, [rule.0], raw)?)
    }

    fn last_completed_run(&self, rule: RuleNo) -> Result<Option<EvaluationRun>> {
        let sql = format!("{RUN} WHERE rule = ?1 AND state = ?2 ORDER BY no DESC LIMIT 1");
        run(self.one(&sql, params![rule.0, name(RunState::Succeeded)?], raw)?)
    }
}

impl WriteRuns for Tx<'_> {
    fn insert_run(&self, run: &mut EvaluationRun) -> Result<()> {
        self.execute(
            "INSERT INTO evaluation_run (rule, trigger, state, started, ended, chunks,
             chunks_done, judged, undetermined, reason, calls, calls_done)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                run.rule.0,
                name(run.trigger)?,
                name(run.state)?,
                run.started.0,
                run.ended.map(|at| at.0),
                run.chunks,
                run.chunks_done,
                run.judged,
                run.undetermined,
                run.reason,
                run.calls,
                run.calls_done
            ],
        )?;
        run.no = RunNo(self.inserted_row());
        Ok(())
    }

    fn update_run(&self, run: &EvaluationRun) -> Result<()> {
        self.execute(
            "UPDATE evaluation_run SET state = ?2, ended = ?3, chunks = ?4, chunks_done = ?5,
             judged = ?6, undetermined = ?7, reason = ?8, calls = ?9, calls_done = ?10 WHERE no = ?1",
            params![
                run.no.0,
                name(run.state)?,
                run.ended.map(|at| at.0),
                run.chunks,
                run.chunks_done,
                run.judged,
                run.undetermined,
                run.reason,
                run.calls,
                run.calls_done
            ],
        )
        .map(drop)
    }
}
