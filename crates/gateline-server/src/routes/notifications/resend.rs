//! `POST /api/v1/projects/{project}/letters/{letter}/resend`

use gateline_api::{LetterPath, LettersQuery, Named, ResendLetter};
use gateline_core::Command;
use gateline_model::Letter;

use crate::call::Call;
use crate::refused::Refused;
use crate::seen::not_there;
use crate::views;

pub(crate) async fn handle(call: Call<ResendLetter>) -> Result<Letter, Refused> {
    let LetterPath { project, letter } = call.path.clone();
    let command = Command::ResendLetter {
        project: project.clone(),
        letter,
    };
    call.submit(command).await?;
    let list = views::letters(&call.app.hub, &call.sight, &project, &LettersQuery::default());
    let found = list.into_iter().find(|one| one.number == letter);
    found.ok_or_else(|| not_there(&Named::Project(project)))
}
