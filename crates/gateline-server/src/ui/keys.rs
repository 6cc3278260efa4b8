//! One's own keys: with what one signs answers, enrolling one, and revoking one.

use gateline_api::KeyView;
use gateline_model::{KEY_LABEL_CHARS_MAX, Scope, Tier};
use maud::{Markup, html};

use super::fields;
use super::forms::{Act, Tried};
use super::link;
use super::shell::{Fresh, Page, Tab, Visitor, alert};
use super::time::whole;

/// All that the page shows.
pub(super) struct Shown<'a> {
    /// The keys of the one who looks, those in force first.
    pub(super) keys: &'a [KeyView],
    /// Whether passkeys work at this address.
    pub(super) passkeys: bool,
    /// What somebody tried here and was refused.
    pub(super) tried: Option<&'a Tried>,
}

pub(super) fn page(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let keys = shown.keys;
    Page {
        tab: Tab::None,
        title: "Keys".to_owned(),
        fresh: Fresh::Kept,
        watch: Vec::new(),
        visitor,
        body: html! {
            @if let Some(tried) = shown.tried { (alert(&tried.problem)) }
            h1 { "Keys of " span.mono { (visitor.actor) } }
            p.sub { "Stages may ask for answers that are signed. What a key signed can be looked at again by anybody, without trusting this server." }
            @if keys.is_empty() { p { "None is enrolled." } } @else {
                div.wide { table {
                    thead { tr { th { "key" } th { "kind" } th { "called" } th { "since" } th { "" } } }
                    tbody { @for (index, key) in keys.iter().enumerate() { (row(visitor, key, index)) } }
                } }
            }
            @if visitor.may(Scope::Approve) { (enrol(visitor, shown)) }
        },
    }
    .render()
}

fn row(visitor: &Visitor, key: &KeyView, index: usize) -> Markup {
    let kind = match (key.tier, key.synced) {
        (Tier::Passkey, true) => "passkey, on several devices",
        (Tier::Passkey, false) => "passkey",
        (Tier::Ssh, _) => "SSH key",
        (Tier::Session, _) => "",
    };
    html! {
        tr {
            td.mono title=(key.fingerprint) { (short(&key.fingerprint)) }
            td { (kind) }
            td { (key.label) }
            td { time datetime=(key.since) { (whole(key.since)) } }
            td {
                @if let Some(at) = key.revoked { b { "revoked" } " " time datetime=(at) { (whole(at)) } }
                @else if visitor.may(Scope::Approve) {
                    details.act #{ "act-revoke-" (index) } {
                        summary { "Revoke" }
                        form.stack method="post" action=(link::key_act(Act::RevokeKey.word())) {
                            (visitor.hidden())
                            p.age { "What it signed counts no more where it is not admitted yet. It can not be enrolled again." }
                            input type="hidden" name="fingerprint" value=(key.fingerprint);
                            (fields::reason(&format!("revoke-reason-{index}"), None))
                            button type="submit" { "Revoke this key" }
                        }
                    }
                }
            }
        }
    }
}

/// Characters of a fingerprint that a row shows.
const SHORT_CHARS: usize = 20;

fn short(fingerprint: &str) -> String {
    let mut text: String = fingerprint.chars().take(SHORT_CHARS).collect();
    if text.len() < fingerprint.len() {
        text.push('…');
    }
    text
}

fn enrol(visitor: &Visitor, shown: &Shown<'_>) -> Markup {
    let passkeys = shown.keys.iter().filter(|key| key.tier == Tier::Passkey);
    let known: Vec<&str> = passkeys.map(|key| key.fingerprint.as_str()).collect();
    html! {
        h2 { "Enrol a key" }
        p.sub { "You must have signed in within the last quarter of an hour. Nobody can enrol a key in your name with a token alone." }
        h3 { "A passkey" }
        @if shown.passkeys {
            form.stack #enrol-passkey method="post" action=(link::key_act(Act::EnrolKey.word())) data-passkey="make"
                data-actor=(visitor.actor) data-keys=(known.join(" ")) {
                (visitor.hidden())
                input type="hidden" name="signed";
                label for="passkey-label" { "How you call it" }
                input #passkey-label type="text" name="label" maxlength=(KEY_LABEL_CHARS_MAX) placeholder="telephone";
                button type="submit" #make-passkey { "Make a passkey" }
                p.age role="status" {}
                noscript { p { "Browsers make passkeys by script alone; enrol an SSH key instead." } }
            }
        } @else {
            p { "Browsers have passkeys for names over HTTPS, and for " code { "localhost" } ": not at this address." }
        }
        h3 { "An SSH key" }
        form.stack #enrol-ssh method="post" action=(link::key_act(Act::EnrolKey.word())) {
            (visitor.hidden())
            label for="ssh-signed" { "What " code { "gateline key enrol ~/.ssh/id_ed25519 --print" } " wrote" }
            textarea #ssh-signed name="signed" rows="4" required { (written(shown)) }
            button type="submit" { "Enrol the SSH key" }
        }
    }
}

fn written<'a>(shown: &Shown<'a>) -> &'a str {
    let tried = shown.tried.filter(|tried| tried.act == Act::EnrolKey);
    tried
        .map(|tried| tried.fields.signed.as_str())
        .unwrap_or_default()
}
