//! `GET /api/v1/proposals/{project}/{number}`

use gateline_api::{FileLines, GetProposal, ProposalDetail};

use crate::call::Call;
use crate::refused::Refused;
use crate::views;

pub(crate) async fn handle(call: Call<GetProposal>) -> Result<ProposalDetail, Refused> {
    let found = views::proposal_detail(&call.app.hub, &call.sight, &call.path.id()).await?;
    let files = found.difference.into_iter().map(|file| FileLines {
        name: file.name,
        lines: file.lines.iter().map(ToString::to_string).collect(),
    });
    Ok(ProposalDetail {
        proposal: found.view,
        meaning: found.meaning,
        files: files.collect(),
    })
}
