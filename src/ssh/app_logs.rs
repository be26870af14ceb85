//! What the instances of an environment print, over SSH.

use super::find;
use super::front::Front;
use super::output::Output;
use super::request::AppLogs;
use super::session::Refusal;
use super::tables::not_shown;
use crate::auth::access::Action;
use crate::model::time::Since;
use crate::model::user::User;
use crate::processes::LogRequest;

/// Shows what was printed and, if asked to, what is printed from now on.
pub(super) async fn show(
    front: &Front,
    user: &User,
    wanted: &AppLogs,
    output: &Output,
) -> Result<u32, Refusal> {
    let (_, environment) = find::environment(front, user, &wanted.project, Action::ReadLogs).await?;
    let request = LogRequest {
        since: wanted.since.map(|Since(time)| time),
        tail: wanted.lines,
        process: wanted.process.clone(),
        search: None,
    };
    if wanted.follow {
        let mut lines = front.processes.follow(&environment, request).await.map_err(not_shown)?;
        while let Some(line) = lines.recv().await {
            output.show_app_line(&line).await;
        }
        return Ok(0);
    }
    for line in front.processes.printed(&environment, &request).await.map_err(not_shown)? {
        output.show_app_line(&line).await;
    }
    Ok(0)
}
