//! What can be told of a query without running it: whether it is right, what it reads, its SQL and what it would cost;
//! and what a query in another system's language is called here.

use super::catalogues::Catalogues;
use super::execute::Executor;
use super::plan::{Page, Plan};
use super::time_range::{Asked, TimeRange};
use super::{SearchError, estimate, respond, shown_sql};
use crate::auth::Reader;
use crate::error::{ApiError, InvalidFields};
use crate::time::now_us;
use actix_web::web;
use api_types::search::{CheckAnswer, CheckRequest, TranslateAnswer, TranslateRequest};
use query_lang::Language;

/// Rows for which the SQL is shown.
const SHOWN_ROWS: u64 = 100;

/// Says whether a query is right, without running it. With a range also its SQL, and what it would read at most.
///
/// # Errors
/// 422 `invalid` for a range or project that is none. A query that is wrong is an answer, not an error.
pub(super) async fn check(
    reader: Reader,
    executor: web::Data<Executor>,
    catalogues: web::Data<Catalogues>,
    request: web::Json<CheckRequest>,
) -> Result<web::Json<CheckAnswer>, ApiError> {
    let project = reader.project(request.project_id.as_deref()).await?;
    let asked = Asked {
        from: request.from.as_ref(),
        to: request.to.as_ref(),
        now: request.now.as_ref(),
        zone: request.tz.as_deref(),
    };
    let range = TimeRange::parse(asked, now_us() * 1_000)?;
    let source = &request.query;
    let catalogue = catalogues.get(reader.sight(), project).await;
    let plan = match Plan::with_catalogue(reader.sight(), project, source, range, &catalogue) {
        Ok(plan) => plan,
        Err(error) => return Ok(web::Json(refusal(error)?)),
    };
    let mut answer = described(&plan);
    if request.from.is_some() || request.to.is_some() {
        match plan.rows(Page { limit: SHOWN_ROWS, ..Page::default() }) {
            Ok(compiled) => {
                // How much an index leaves to read tells of events that a rule hides.
                if !plan.is_narrowed() {
                    answer.estimate = estimate::of(&executor, reader.scope(), &compiled).await;
                }
                answer.sql = Some(shown_sql::pretty(&executor, reader.scope(), &compiled).await);
            }
            Err(error) => return Ok(web::Json(refusal(error)?)),
        }
    }
    Ok(web::Json(answer))
}

fn refusal(error: SearchError) -> Result<CheckAnswer, SearchError> {
    let SearchError::Query { source_text, diagnostic } = error else { return Err(error) };
    let error = Some(respond::diagnostic(&source_text, &diagnostic));
    Ok(CheckAnswer {
        valid: false,
        error,
        warnings: Vec::new(),
        normalized: None,
        stages: Vec::new(),
        fields: Vec::new(),
        explanation: None,
        sql: None,
        estimate: None,
    })
}

fn described(plan: &Plan) -> CheckAnswer {
    let query = &plan.checked().query;
    CheckAnswer {
        valid: true,
        error: None,
        warnings: plan.warnings().iter().map(|each| respond::diagnostic(plan.source(), each)).collect(),
        normalized: Some(query_lang::format(query)),
        stages: query.stages.iter().map(|stage| stage.node.name().to_owned()).collect(),
        fields: plan.checked().fields.clone(),
        explanation: Some(query_lang::explain(query)),
        sql: None,
        estimate: None,
    }
}

/// Translates a query of another system. It is only shown: nothing runs it by itself.
///
/// # Errors
/// 422 `not_translated`: the language is not recognised, or something in it has no equal here.
pub(super) async fn translate(
    _reader: Reader,
    request: web::Json<TranslateRequest>,
) -> Result<web::Json<TranslateAnswer>, ApiError> {
    let translation = match &request.language {
        None => query_lang::translate(&request.text).ok_or(SearchError::NotTranslated(
            "This is not recognised as a query of Splunk, Loki, Kusto, Kibana, Lucene or VictoriaLogs, or it says something \
             that has no equal here. Name its `language` if you know it.",
        ))?,
        Some(name) => {
            let language = language_of(name)?;
            query_lang::translate_from(&request.text, language).ok_or(SearchError::NotTranslated(
                "Something in this query has no equal here, or it is not in that language.",
            ))?
        }
    };
    Ok(web::Json(TranslateAnswer {
        language: name_of(translation.language),
        query: translation.query,
        notes: translation.notes,
    }))
}

fn language_of(name: &str) -> Result<Language, InvalidFields> {
    serde_json::from_value(name.into()).map_err(|_| {
        let detail = "Give one of spl, log_ql, kusto, kibana_kql, lucene, logs_ql, or leave it out.";
        InvalidFields::one("language", "unknown_language", detail)
    })
}

fn name_of(language: Language) -> String {
    match serde_json::to_value(language) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
