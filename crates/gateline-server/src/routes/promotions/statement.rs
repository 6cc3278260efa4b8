//! `GET /api/v1/promotions/{project}/{pipeline}/{stage}/{number}/statement`

use gateline_api::{GetStatement, StatementQuery, StatementReply};
use gateline_model::Digest;

use crate::call::Call;
use crate::refused::Refused;
use crate::{signing, views};

pub(crate) async fn handle(call: Call<GetStatement>) -> Result<StatementReply, Refused> {
    let (server, site) = signing::site(&call.app, &call.headers);
    let caller = call.caller()?;
    let StatementQuery { answer, comment } = call.query;
    let promotion = call.path.id();
    let (statement, asked) = signing::statement(&call.app, caller, server, &promotion, (answer, comment))?;
    let statement = statement.text();
    Ok(StatementReply {
        digest: Digest::of(statement.as_bytes()),
        statement,
        code: asked.code,
        tier: asked.tier,
        host: site.map(|site| site.host),
        keys: views::keys_in_force(&call.app.hub, &caller.actor.id),
    })
}
