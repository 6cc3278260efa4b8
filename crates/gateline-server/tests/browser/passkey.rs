//! Passkeys in a real Chromium, with its virtual authenticator: made on the page of keys, and asked for a yes.

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use gateline_api::{
    Empty, Holds, KeyQuery, KeyView, ListKeys, ListProposalSignatures, ListSignatures, PromotionPath,
    PromotionState, ProposalPath, SignatureView,
};
use gateline_model::{Scope, Tier};
use reqwest::Url;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::support::{PIPELINE, id};
use crate::window::{WIDE, Window, with_window};

const PROMOTION: &str = "/promotions/payments/payment-service/production/2";

/// A command of the driver about authenticators (Web Authentication Level 2, section 11).
#[derive(Debug)]
struct Authenticators {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl WebDriverCompatibleCommand for Authenticators {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/webauthn/authenticator{}", self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (self.method.clone(), self.body.as_ref().map(Value::to_string))
    }
}

/// A device in this window that asks for a fingerprint, and gets it.
async fn device(window: &Window) -> String {
    let kind = json!({"protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
        "hasUserVerification": true, "isUserConsenting": true, "isUserVerified": true});
    let added = Authenticators {
        method: Method::POST,
        path: String::new(),
        body: Some(kind),
    };
    let id = window.client.issue_cmd(added).await.unwrap();
    id.as_str().unwrap().to_owned()
}

/// From now on the device finds somebody else's finger.
async fn is_not_verified(window: &Window, device: &str) {
    let changed = Authenticators {
        method: Method::POST,
        path: format!("/{device}/uv"),
        body: Some(json!({"isUserVerified": false})),
    };
    window.client.issue_cmd(changed).await.unwrap();
}

/// Production wants a passkey; Ann of `tech-lead` has signed in, at the name for which browsers have passkeys.
async fn signed_in(scene: &Scene, window: &Window) -> String {
    scene.app.actor("ann", &[Scope::Read], &["tech-lead"], None).await;
    let cookie = scene.app.sign_in("ann").await;
    let origin = scene.origin.replace("127.0.0.1", "localhost");
    window.go(&format!("{origin}/login")).await;
    window.run(&format!("document.cookie = '{cookie}; path=/'")).await;
    origin
}

async fn keys(scene: &Scene) -> Vec<KeyView> {
    let query = KeyQuery::default();
    scene
        .admin
        .ask::<ListKeys>(&Empty {}, &query, &Empty {})
        .await
        .unwrap()
}

async fn signatures(scene: &Scene) -> Vec<SignatureView> {
    let path = PromotionPath::from(&id("production/2"));
    scene
        .admin
        .ask::<ListSignatures>(&path, &Empty {}, &Empty {})
        .await
        .unwrap()
}

#[tokio::test]
async fn a_yes_is_signed_by_a_passkey_that_was_made_on_the_page() {
    let scene = Scene::held_for("signed: passkey").await;
    with_window(WIDE, async |window| {
        let origin = signed_in(&scene, &window).await;
        window.go(&format!("{origin}{PROMOTION}")).await;
        window.click("#act-approve > summary").await;
        window
            .until_shown("#act-approve", "signed with a passkey or an SSH key")
            .await;
        window
            .until_shown("#act-approve", "You have no passkey that works here")
            .await;

        device(&window).await;
        window.go(&format!("{origin}/keys")).await;
        window.until_shown("main", "None is enrolled").await;
        window.write("#passkey-label", "telephone").await;
        window.click("#make-passkey").await;
        window.until_shown("main table", "telephone").await;

        window.go(&format!("{origin}{PROMOTION}")).await;
        window.click("#act-approve > summary").await;
        window.write("#approve-reason", " Read it,\nall of it. ").await;
        window.click("#approve").await;
        window.until_shown("h1", "rolling out").await;
        window.until_shown(".timeline", "signed with a passkey").await;
    })
    .await;
    let view = scene.admin.promotion(&id("production/2")).await.unwrap();
    assert_eq!(view.state, PromotionState::RollingOut);
    let [key]: [_; 1] = keys(&scene).await.try_into().unwrap();
    assert_eq!(
        (key.tier, key.actor.as_str(), key.label.as_str()),
        (Tier::Passkey, "ann", "telephone")
    );
    let [signature]: [_; 1] = signatures(&scene).await.try_into().unwrap();
    assert_eq!((signature.holds, signature.key), (Holds::Yes, key));
    assert_eq!(signature.bound.tier, Tier::Passkey);
}

#[tokio::test]
async fn an_owner_signs_a_yes_to_a_proposal_with_a_passkey_on_its_page() {
    let scene = Scene::held_for("signed: passkey").await;
    let rules = |suite: &str| {
        let protected = "spec:\n  protected: {owners: [tech-lead], signed: passkey}\n";
        PIPELINE
            .replace("spec:\n", protected)
            .replace("suite: unit", suite)
    };
    scene.admin.apply(&rules("suite: unit")).await.unwrap();
    scene.admin.apply(&rules("suite: all")).await.unwrap();
    with_window(WIDE, async |window| {
        let origin = signed_in(&scene, &window).await;
        device(&window).await;
        window.go(&format!("{origin}/keys")).await;
        window.write("#passkey-label", "telephone").await;
        window.click("#make-passkey").await;
        window.until_shown("main table", "telephone").await;
        window.go(&format!("{origin}/policies/payments/proposal/1")).await;
        window.until_shown("main", "Approve").await;
        window.click("#act-proposal-approve > summary").await;
        window
            .until_shown("#act-proposal-approve", "signed with a passkey or an SSH key")
            .await;
        window.write("#proposal-approve", "as agreed").await;
        window.click("#proposal-approve-signed").await;
        window.until_shown(".banner", "in force by").await;
    })
    .await;
    let path = ProposalPath {
        project: "payments".parse().unwrap(),
        number: 1,
    };
    let list = scene
        .admin
        .ask::<ListProposalSignatures>(&path, &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!((list.len(), &list[0].holds), (1, &Holds::Yes));
}

#[tokio::test]
async fn nothing_is_signed_or_recorded_where_the_device_does_not_know_who_is_there() {
    let scene = Scene::held_for("signed: passkey").await;
    with_window(WIDE, async |window| {
        let origin = signed_in(&scene, &window).await;
        let device = device(&window).await;
        window.go(&format!("{origin}/keys")).await;
        window.click("#make-passkey").await;
        window.until_shown("main table", "passkey").await;

        is_not_verified(&window, &device).await;
        window.go(&format!("{origin}{PROMOTION}")).await;
        window.click("#act-approve > summary").await;
        window.click("#approve").await;
        window
            .until_shown("#act-approve [role=status]", "Nothing was signed")
            .await;

        // Without our script the form is sent as it is, and refused: a session is not enough.
        window
            .run("document.querySelector('#act-approve form').submit()")
            .await;
        window.until_shown("#problem", "approval.tier").await;

        window.go(&format!("{origin}/keys")).await;
        window.click("#act-revoke-0 > summary").await;
        window.write("#revoke-reason-0", "I sold it").await;
        window.click("#act-revoke-0 button").await;
        window.until_shown("main table", "revoked").await;
    })
    .await;
    assert!(signatures(&scene).await.is_empty());
    assert!(keys(&scene).await[0].revoked.is_some());
}

#[tokio::test]
async fn where_an_ssh_key_is_asked_the_page_says_how_and_offers_no_button() {
    let scene = Scene::held_for("signed: ssh").await;
    with_window(WIDE, async |window| {
        let origin = signed_in(&scene, &window).await;
        window.go(&format!("{origin}{PROMOTION}")).await;
        window.click("#act-approve > summary").await;
        window
            .until_shown(
                "#act-approve",
                "gateline approve payments/payment-service/production/2",
            )
            .await;
        window.until_shown("#act-approve", "--sign").await;
        assert_eq!(
            window.run("return document.getElementById('approve')").await,
            Value::Null
        );
    })
    .await;
}
