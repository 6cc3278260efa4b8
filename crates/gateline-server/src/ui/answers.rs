//! The answers of people, as forms: yes, no, changes first, taken back, handed on, and asking a named person.
//!
//! The inbox and the page of a promotion have the same ones. Each carries the question that was shown: the answer counts
//! for that and for nothing else. Offers only what would be taken, as `core` says; judges nothing.

use gateline_model::{PromotionId, Scope, Span, Tier, Version, Who};
use maud::{Markup, html};

use super::fields::{self, REASON_CHARS_MAX};
use super::forms::{Act, Fields, Tried};
use super::link;
use super::shell::Visitor;

/// How long answers are handed on unless somebody says otherwise.
const DELEGATION_DEFAULT: Span = Span::from_secs(7 * 86_400);
/// Longest name of an actor that a form takes.
const ACTOR_CHARS_MAX: &str = "200";

/// What somebody can say who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Approve,
    Reject,
    RequestChanges,
    Ask,
    Delegate,
    Withdraw,
}

impl Answer {
    /// In the order in which they are offered.
    pub(super) const ALL: [Answer; 6] = [
        Answer::Approve,
        Answer::Reject,
        Answer::RequestChanges,
        Answer::Ask,
        Answer::Delegate,
        Answer::Withdraw,
    ];

    /// The word in addresses.
    pub(super) fn word(self) -> &'static str {
        match self {
            Answer::Approve => "approve",
            Answer::Reject => "reject",
            Answer::RequestChanges => "request-changes",
            Answer::Ask => "ask",
            Answer::Delegate => "delegate",
            Answer::Withdraw => "withdraw",
        }
    }

    /// Where its form is sent.
    pub(super) fn path(self) -> &'static str {
        match self {
            Answer::Approve => "/ui/promotions/{project}/{pipeline}/{stage}/{number}/approve",
            Answer::Reject => "/ui/promotions/{project}/{pipeline}/{stage}/{number}/reject",
            Answer::RequestChanges => "/ui/promotions/{project}/{pipeline}/{stage}/{number}/request-changes",
            Answer::Ask => "/ui/promotions/{project}/{pipeline}/{stage}/{number}/ask",
            Answer::Delegate => "/ui/promotions/{project}/{pipeline}/{stage}/{number}/delegate",
            Answer::Withdraw => "/ui/promotions/{project}/{pipeline}/{stage}/{number}/withdraw",
        }
    }

    /// The key that opens its form.
    fn key(self) -> char {
        match self {
            Answer::Approve => 'a',
            Answer::Reject => 'x',
            Answer::RequestChanges => 'c',
            Answer::Ask => 'n',
            Answer::Delegate => 'd',
            Answer::Withdraw => 'w',
        }
    }

    /// What its button says.
    fn name(self) -> &'static str {
        match self {
            Answer::Approve => "Approve",
            Answer::Reject => "Reject",
            Answer::RequestChanges => "Request changes",
            Answer::Ask => "Ask somebody",
            Answer::Delegate => "Hand on",
            Answer::Withdraw => "Withdraw your answer",
        }
    }
}

/// What is answered, as one place of a page shows it.
pub(super) struct Question<'a> {
    pub(super) promotion: &'a PromotionId,
    pub(super) version: &'a Version,
    /// What is live in its place.
    pub(super) before: Option<&'a Version>,
    /// The decision that is shown, by digest and by its short code.
    pub(super) question: String,
    pub(super) code: String,
    /// By which right whoever looks may answer, and instead of whom; or why an answer would not be taken.
    pub(super) seat: Option<Result<Seat, String>>,
    /// Whether a no of whoever looks would be taken, also where enough people said yes.
    pub(super) may_refuse: bool,
    /// Whether an answer of whoever looks stands and can be taken back.
    pub(super) answered: bool,
    /// Where the forms stand.
    pub(super) place: Place<'a>,
}

/// By which right somebody answers, and what a yes must carry.
pub(super) struct Seat {
    pub(super) from: Who,
    pub(super) instead_of: Option<String>,
    pub(super) comment: bool,
    /// How the yes can be signed; nothing where a session is enough.
    pub(super) signing: Option<Signing>,
}

/// With what a yes must be signed, and whether that can be done here.
pub(super) struct Signing {
    /// At least so.
    tier: Tier,
    /// Whether the one who looks has a passkey that works at this address.
    passkey: bool,
}

impl Signing {
    pub(super) fn of(tier: Tier, passkey: bool) -> Option<Self> {
        tier.at_least().map(|_| Self { tier, passkey })
    }

    /// Whether the yes can be signed in this browser.
    pub(super) fn is_here(&self) -> bool {
        self.tier == Tier::Passkey && self.passkey
    }

    /// The end of a form whose yes is signed: here by a passkey, or elsewhere by a command.
    pub(super) fn ways(&self, button: &str, says: &str, code: &str, command: &str) -> Markup {
        html! {
            p { "Your answer must be signed with " (self.tier.at_least().unwrap_or_default()) "." }
            @if self.is_here() {
                input type="hidden" name="signed";
                button.primary type="submit" #(button) { (says) " with your passkey" }
                p.age role="status" {}
                p.age { "Your browser shows only the name of this server. Compare the decision code " code { (code) } " with what others see, or sign on the command line:" }
            } @else if self.tier == Tier::Passkey {
                p { "You have no passkey that works here: " a href=(link::KEYS) { "enrol one" } ", or sign on the command line:" }
            } @else {
                p { "Only on the command line, where your own tool shows you what you sign:" }
            }
            pre { (command) }
        }
    }
}

/// Where the forms stand: alone on a promotion's page, or among others in the inbox.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Promotion,
    /// With what the address of the inbox says of its part.
    Inbox(&'a str),
}

impl Question<'_> {
    /// An id that no other form of the page has.
    fn id(&self, name: &str) -> String {
        match self.place {
            Place::Promotion => name.to_owned(),
            Place::Inbox(_) => format!("{name}-{}", self.promotion),
        }
    }

    fn seat(&self) -> Option<&Seat> {
        self.seat.as_ref()?.as_ref().ok()
    }
}

/// The forms that can change something now.
pub(super) fn forms(visitor: &Visitor, asked: &Question<'_>, tried: Option<&Tried>) -> Vec<Markup> {
    if !visitor.may(Scope::Approve) {
        return Vec::new();
    }
    let offered = Answer::ALL
        .into_iter()
        .filter_map(|answer| Some((answer, body(visitor, asked, answer, tried)?)));
    offered
        .map(|(answer, body)| frame(visitor, asked, answer, tried, &body))
        .collect()
}

/// Why whoever looks cannot answer, where somebody is asked.
pub(super) fn why_not<'a>(visitor: &Visitor, asked: &'a Question<'_>) -> Option<&'a str> {
    let refused = asked.seat.as_ref()?.as_ref().err()?;
    visitor.may(Scope::Approve).then_some(refused.as_str())
}

/// What was written in the form of this answer.
fn written(tried: Option<&Tried>, answer: Answer) -> Option<&Fields> {
    tried
        .filter(|tried| tried.act == Act::Answer(answer))
        .map(|tried| &tried.fields)
}

fn frame(
    visitor: &Visitor,
    asked: &Question<'_>,
    answer: Answer,
    tried: Option<&Tried>,
    body: &Markup,
) -> Markup {
    let open = written(tried, answer).is_some();
    let (word, key) = (answer.word(), answer.key());
    let signing = asked.seat().and_then(|seat| seat.signing.as_ref());
    let signs = answer == Answer::Approve && signing.is_some_and(Signing::is_here);
    let signs = signs.then_some(asked.code.as_str());
    html! {
        details.act #(asked.id(&format!("act-{word}"))) data-key=(key) open[open] {
            summary class=[(answer == Answer::Approve).then_some("primary")] title={ "key: " (key) } { (answer.name()) }
            form.stack method="post" action=(link::promotion_act(asked.promotion, word))
                data-passkey=[signs.map(|_| "sign")] data-of=[signs.map(|_| link::statement(asked.promotion))] data-code=[signs] {
                (visitor.hidden())
                input type="hidden" name="question" value=(asked.question);
                @if let Place::Inbox(after) = asked.place {
                    input type="hidden" name="page" value=(INBOX_PAGE);
                    input type="hidden" name="after" value=(after);
                }
                (body)
            }
        }
    }
}

/// How a form says that it stands in the inbox and leads back to it.
pub(super) const INBOX_PAGE: &str = "inbox";

fn body(visitor: &Visitor, asked: &Question<'_>, answer: Answer, tried: Option<&Tried>) -> Option<Markup> {
    let written = written(tried, answer);
    let stage = &asked.promotion.stage.stage;
    let reason = || fields::reason(&asked.id(&format!("{}-reason", answer.word())), written);
    match answer {
        Answer::Approve => Some(approve(asked, asked.seat()?, written)),
        Answer::Reject => asked.may_refuse.then(|| {
            html! {
                p.age { "You say no to " b { (asked.version) } " going into " b { (stage) } ", decision code " code { (asked.code) } ". It stays out unless your answer is withdrawn." }
                (reason())
                button type="submit" { "Reject " (asked.version) " for " (stage) }
            }
        }),
        Answer::RequestChanges => asked.may_refuse.then(|| {
            html! {
                p.age { "It waits until what you ask for is answered: a new release, or your word that it is enough." }
                (reason())
                button type="submit" { "Request changes of " (asked.version) }
            }
        }),
        Answer::Ask => asked.seat.as_ref().map(|_| {
            html! {
                p.age { "One who is asked here already, by name: it stands in that inbox as asked by name." }
                (actor(&asked.id("ask-who"), "who", "Whom (the name as an actor)", written.map(|fields| fields.who.as_str())))
                button type="submit" { "Ask" }
            }
        }),
        Answer::Delegate => asked.seat().map(|seat| delegate(visitor, asked, seat, written, &reason())),
        Answer::Withdraw => asked.answered.then(|| {
            html! {
                p.age { "Your answer counts no more, and you can be asked again." }
                (reason())
                button type="submit" { "Withdraw your answer" }
            }
        }),
    }
}

fn approve(asked: &Question<'_>, seat: &Seat, written: Option<&Fields>) -> Markup {
    let id = asked.id("approve-reason");
    let stage = &asked.promotion.stage.stage;
    html! {
        p {
            "You say yes to " b { (asked.version) } " going into " b { (stage) }
            @if let Some(before) = asked.before { " in place of " b { (before) } }
            ", as decided: decision code " code { (asked.code) } ". If the question changes, your yes is void."
        }
        p.age { "You answer for " b { (seat.from) } @if let Some(other) = &seat.instead_of { " instead of " b { (other) } } "." }
        label for=(id) { @if seat.comment { "Comment: what you looked at" } @else { "Comment (may be empty)" } }
        textarea #(id) name="reason" rows="2" maxlength=(REASON_CHARS_MAX) required[seat.comment] { (written.map(|fields| fields.reason.as_str()).unwrap_or_default()) }
        @match &seat.signing {
            None => button.primary type="submit" #(asked.id("approve")) { "Approve " (asked.version) " into " (stage) },
            Some(signing) => {
                @let says = format!("Approve {} into {stage}", asked.version);
                @let command = format!("gateline approve {} --code '{}' --sign", asked.promotion, asked.code);
                (signing.ways(&asked.id("approve"), &says, &asked.code, &command))
            }
        }
    }
}

fn delegate(
    visitor: &Visitor,
    asked: &Question<'_>,
    seat: &Seat,
    written: Option<&Fields>,
    reason: &Markup,
) -> Markup {
    let team = asked.id("delegate-team");
    let usual = DELEGATION_DEFAULT.after(visitor.now);
    let chosen = |word: &str| written.is_some_and(|fields| fields.team == word);
    html! {
        p.age { "Somebody else answers instead of you in " b { (asked.promotion.stage.project) } " until then: this, and all that is asked of you. Both names stand on record." }
        (actor(&asked.id("delegate-who"), "who", "To whom (the name as an actor)", written.map(|fields| fields.who.as_str())))
        label for=(team) { "For" }
        select #(team) name="team" {
            @if let Who::Team(team) = &seat.from { option value=(team) selected[chosen(team.as_str())] { "team " (team) } }
            option value="" selected[written.is_some() && chosen("")] { "all your teams" }
        }
        (fields::until(&asked.id("delegate-until"), written, usual, visitor.now))
        (reason)
        button type="submit" { "Hand on" }
    }
}

fn actor(id: &str, name: &str, label: &str, written: Option<&str>) -> Markup {
    html! {
        label for=(id) { (label) }
        input #(id) type="text" name=(name) required maxlength=(ACTOR_CHARS_MAX) autocomplete="off" value=(written.unwrap_or_default());
    }
}
