//! `POST /api/v1/tokens`

use gateline_api::{IssueToken, TokenReply, TokenRequest, entry};
use gateline_core::Command;

use crate::auth::draw_secret;
use crate::call::Call;
use crate::refused::Refused;

pub(crate) async fn handle(call: Call<IssueToken>) -> Result<TokenReply, Refused> {
    let TokenRequest {
        id,
        actor,
        scopes,
        groups,
        expires,
    } = call.body.clone();
    let secret = draw_secret().map_err(|err| {
        Refused::new(
            &entry::UNAVAILABLE,
            format!("this machine gives no randomness: {err}"),
        )
    })?;
    let command = Command::IssueToken {
        id: id.clone(),
        hash: secret.hash,
        actor,
        scopes,
        groups,
        expires,
    };
    let receipt = call.submit(command).await?;
    if receipt.replayed {
        // The secret of the first answer is kept nowhere, and the one drawn now opens nothing.
        return Err(Refused::new(
            &entry::TOKEN_SHOWN,
            format!("token `{id}` was made by the same request before"),
        ));
    }
    Ok(TokenReply {
        id,
        token: secret.text,
        expires,
    })
}
