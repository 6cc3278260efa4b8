//! `GET /api/v1/keys/statement`

use gateline_api::{GetKeyStatement, KeyStatementReply};
use gateline_model::Digest;

use crate::call::Call;
use crate::refused::Refused;
use crate::signing;

pub(crate) async fn handle(call: Call<GetKeyStatement>) -> Result<KeyStatementReply, Refused> {
    let (server, site) = signing::site(&call.app, &call.headers);
    let statement = signing::key_statement(call.caller()?, server)?.text();
    Ok(KeyStatementReply {
        digest: Digest::of(statement.as_bytes()),
        statement,
        host: site.map(|site| site.host),
    })
}
