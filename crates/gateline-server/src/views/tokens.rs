//! Tokens, without their secrets and their hashes.

use gateline_api::TokenView;
use jiff::Timestamp;

use crate::hub::Hub;

/// The tokens that were issued and not revoked, by id.
pub(crate) fn tokens(hub: &Hub) -> Vec<TokenView> {
    let now = Timestamp::now();
    hub.with_world(|world| {
        let tokens = world
            .project(&gateline_core::server_project())
            .map(|project| &project.tokens);
        let view = |(id, token): (&gateline_model::TokenId, &gateline_core::Token)| TokenView {
            id: id.clone(),
            actor: token.actor.clone(),
            scopes: token.scopes.clone(),
            groups: token.groups.clone(),
            expires: token.expires,
            expired: token.expires.is_some_and(|expires| expires <= now),
        };
        tokens.into_iter().flatten().map(view).collect()
    })
}
