//! Registries that lie, hang and lead astray. Those that do as they should are in `tests/real/oci.rs`.

use std::collections::BTreeMap;

use gateline_model::{SecretRef, Span};
use serde_json::{Value, json};

use super::*;
use crate::fake::Fake;

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn image() -> Digest {
    Digest::of(b"image")
}

/// What a registry has, by path behind `/v2/shop/app/`.
#[derive(Default, Clone)]
struct Has(BTreeMap<String, (String, Vec<u8>)>);

impl Has {
    /// One bundle that refers to the image.
    fn one() -> Has {
        let mut has = Has::default();
        let bundle = has.blob(b"{\"a\":\"bundle\"}");
        let manifest = has.manifest(
            &json!({"schemaVersion": 2, "subject": {"digest": image(), "size": 5},
            "layers": [{"mediaType": BUNDLE, "digest": bundle.0, "size": bundle.1}]}),
        );
        has.list(&[manifest]);
        has
    }

    fn put(&mut self, path: &str, headers: &str, body: &[u8]) {
        self.0
            .insert(path.to_owned(), (headers.to_owned(), body.to_vec()));
    }

    fn blob(&mut self, bytes: &[u8]) -> (Digest, usize) {
        let digest = Digest::of(bytes);
        self.put(&format!("blobs/{digest}"), "", bytes);
        (digest, bytes.len())
    }

    fn manifest(&mut self, manifest: &Value) -> Value {
        let text = manifest.to_string();
        let digest = Digest::of(text.as_bytes());
        self.put(&format!("manifests/{digest}"), "", text.as_bytes());
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": text.len()})
    }

    fn list(&mut self, manifests: &[Value]) {
        let index = json!({"schemaVersion": 2, "manifests": manifests}).to_string();
        self.put(&format!("referrers/{}", image()), "", index.as_bytes());
    }

    /// The answer for a request, whoever asks.
    fn answer(&self, request: &str) -> Vec<u8> {
        let path = path(request);
        match path
            .strip_prefix("/v2/shop/app/")
            .and_then(|path| self.0.get(path))
        {
            Some((headers, body)) => answer("200 OK", headers, body),
            None => answer("404 Not Found", "", b"{}"),
        }
    }

    async fn serve(self) -> Fake {
        Fake::answering(move |request| self.answer(request)).await
    }
}

fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap_or_default()
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

fn registry(fake: &Fake) -> Registry {
    Registry {
        registry: fake.url("").trim_start_matches("http://").to_owned(),
        transport: None,
        username: None,
        password: None,
        timeout: Span::from_secs(20),
    }
}

async fn look_at(fake: &Fake) -> Result<Attached, CheckError> {
    let registry = registry(fake);
    let repository = format!("{}/shop/app", registry.registry);
    attached(&registry, &repository, &image()).await
}

async fn why(fake: &Fake) -> String {
    look_at(fake).await.expect_err("it lies").why
}

#[tokio::test]
async fn what_is_attached_comes_whole() {
    let attached = look_at(&Has::one().serve().await).await.unwrap();
    assert_eq!(attached.contents, [b"{\"a\":\"bundle\"}"]);
    assert_eq!(attached.passed_over, Vec::<String>::new());
}

#[tokio::test]
async fn where_nothing_is_attached_there_is_nothing_and_no_error() {
    let fake = Has::default().serve().await;
    assert_eq!(look_at(&fake).await.unwrap(), Attached::default());
    let asked: Vec<_> = fake
        .asked()
        .iter()
        .map(|request| path(request).to_owned())
        .collect();
    let tag = format!("/v2/shop/app/manifests/sha256-{}", image().hex());
    let tags = ["", ".sig", ".att", ".sbom"].map(|ending| format!("{tag}{ending}"));
    assert_eq!(asked[1..], tags);
}

#[tokio::test]
async fn what_is_about_another_artifact_or_of_another_sort_is_passed_over() {
    let mut has = Has::default();
    let text = has.blob(b"hello");
    let layers = json!([{"mediaType": "text/plain", "digest": text.0, "size": text.1}]);
    let other = has.manifest(
        &json!({"schemaVersion": 2, "subject": {"digest": Digest::of(b"x"), "size": 1}, "layers": layers}),
    );
    let ours = has
        .manifest(&json!({"schemaVersion": 2, "subject": {"digest": image(), "size": 5}, "layers": layers}));
    let strange = json!({"digest": format!("sha512:{}", "0".repeat(128)), "size": 1});
    has.list(&[other, ours, strange]);
    let attached = look_at(&has.serve().await).await.unwrap();
    assert!(attached.contents.is_empty());
    let said = attached.passed_over.join("\n");
    for says in [
        "is about another artifact",
        "is `text/plain`, which is not read",
        "has no SHA-256",
    ] {
        assert!(said.contains(says), "{said}");
    }
}

#[tokio::test]
async fn bytes_with_another_digest_are_refused() {
    for (kind, says) in [
        ("blobs/", "gave other bytes for"),
        ("manifests/", "gave other bytes for"),
    ] {
        let mut has = Has::one();
        let key = has.0.keys().find(|key| key.starts_with(kind)).unwrap().clone();
        let body = &mut has.0.get_mut(&key).unwrap().1;
        *body.last_mut().unwrap() = b' ';
        let why = why(&has.serve().await).await;
        assert!(
            why.contains(says) && why.contains("somebody changed them"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn what_is_behind_a_tag_has_the_digest_that_the_registry_tells() {
    let mut has = Has::default();
    let headers = format!("docker-content-digest: {}\r\n", Digest::of(b"else"));
    let manifest = json!({"schemaVersion": 2, "layers": []}).to_string();
    let path = format!("manifests/sha256-{}.att", image().hex());
    has.put(&path, &headers, manifest.as_bytes());
    let why = why(&has.serve().await).await;
    assert!(why.contains("gave other bytes"), "{why}");
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_an_error() {
    let has = Has::one();
    let fake = Fake::answering(move |request| match path(request).contains("/blobs/") {
        true => b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"a\":".to_vec(),
        false => has.answer(request),
    })
    .await;
    let why = why(&fake).await;
    assert!(why.contains("broke off in the middle"), "{why}");
}

#[tokio::test]
async fn pages_are_followed_and_end() {
    let has = Has::one();
    let first = format!("/v2/shop/app/referrers/{}", image());
    let fake = Fake::answering(move |request| match path(request) {
        asked if asked == first => {
            let link = format!("link: <{first}?last=a>; rel=\"next\"\r\n");
            answer("200 OK", &link, b"{\"schemaVersion\":2,\"manifests\":[]}")
        }
        asked if asked.ends_with("?last=a") => has.answer(&request.replace("?last=a", "")),
        _ => has.answer(request),
    })
    .await;
    assert_eq!(look_at(&fake).await.unwrap().contents.len(), 1);

    let endless = Fake::answering(|request| {
        let link = format!("link: <{}>; rel=\"next\"\r\n", path(request));
        answer("200 OK", &link, b"{\"schemaVersion\":2,\"manifests\":[]}")
    })
    .await;
    let says = why(&endless).await;
    assert!(says.contains("more than 10 pages"), "{says}");
    assert_eq!(endless.asked().len(), PAGES_MAX);

    let elsewhere = Fake::answering(|_| {
        let link = "link: <http://127.0.0.1:1/x>; rel=\"next\"\r\n";
        answer("200 OK", link, b"{\"schemaVersion\":2,\"manifests\":[]}")
    })
    .await;
    let says = why(&elsewhere).await;
    assert!(says.contains("next page elsewhere"), "{says}");
}

#[tokio::test]
async fn limits_are_named() {
    let mut many = Has::default();
    let one = json!({"digest": Digest::of(b"x"), "size": 1});
    many.list(&vec![one; REFERRERS_MAX + 1]);
    let says = why(&many.serve().await).await;
    assert!(says.contains("more than 100 manifests"), "{says}");

    let mut large = Has::default();
    large.put(
        &format!("referrers/{}", image()),
        "",
        &vec![b' '; MANIFEST_BYTES_MAX + 1],
    );
    let says = why(&large.serve().await).await;
    assert!(says.contains("more than 4194304 bytes"), "{says}");

    let mut layers = Has::default();
    let layer = json!({"mediaType": BUNDLE, "digest": Digest::of(b"x"), "size": 1});
    let manifest = layers.manifest(&json!({"schemaVersion": 2, "layers": vec![layer; LAYERS_MAX + 1]}));
    layers.list(&[manifest]);
    let says = why(&layers.serve().await).await;
    assert!(says.contains("101 layers; 100 are looked at"), "{says}");

    let mut content = Has::default();
    let large = content.blob(&vec![b'a'; CONTENT_BYTES_MAX + 1]);
    let layers = json!([{"mediaType": BUNDLE, "digest": large.0, "size": large.1}]);
    let manifest = content.manifest(&json!({"schemaVersion": 2, "layers": layers}));
    content.list(&[manifest]);
    let says = why(&content.serve().await).await;
    assert!(says.contains("more than 16777216 bytes"), "{says}");
}

#[tokio::test]
async fn contents_are_bounded_together() {
    let mut has = Has::default();
    let layers: Vec<_> = (0..5)
        .map(|number| {
            let (digest, size) = has.blob(&vec![b'a' + number; CONTENT_BYTES_MAX]);
            json!({"mediaType": BUNDLE, "digest": digest, "size": size})
        })
        .collect();
    let manifest = has.manifest(&json!({"schemaVersion": 2, "layers": layers}));
    has.list(&[manifest]);
    let says = why(&has.serve().await).await;
    assert!(says.contains("answered with more than"), "{says}");
}

#[tokio::test]
async fn what_is_no_registry_is_told() {
    for (body, says) in [
        ("<html>", "answered what cannot be read"),
        (
            "{\"schemaVersion\":2,\"manifests\":",
            "answered what cannot be read",
        ),
        (&"[".repeat(10_000), "answered what cannot be read"),
    ] {
        let mut has = Has::default();
        has.put(&format!("referrers/{}", image()), "", body.as_bytes());
        let why = why(&has.serve().await).await;
        assert!(why.contains(says), "{why}");
    }
    let broken = Fake::answering(|_| answer("500 Internal Server Error", "", b"")).await;
    assert!(why(&broken).await.contains("answered 500 instead of 200"));
}

#[tokio::test]
async fn a_registry_that_hangs_or_trickles_is_given_up() {
    for fake in [Fake::hangs().await, Fake::trickles().await] {
        let registry = Registry {
            timeout: Span::from_millis(300),
            ..registry(&fake)
        };
        let repository = format!("{}/shop/app", registry.registry);
        let err = attached(&registry, &repository, &image()).await.unwrap_err();
        assert!(err.why.contains("within 300ms"), "{err}");
    }
}

/// A registry that wants to see something, and the place of its secret.
async fn locked(has: Has, wants: &'static str, challenge: String) -> (Fake, tempfile::TempDir, Registry) {
    let fake = Fake::answering(move |request| {
        let wanted = format!("authorization: {wants}");
        match request
            .to_ascii_lowercase()
            .contains(&wanted.to_ascii_lowercase())
        {
            true => has.answer(request),
            false => answer(
                "401 Unauthorized",
                &format!("www-authenticate: {challenge}\r\n"),
                b"",
            ),
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("password");
    std::fs::write(&path, "hunter2\n").unwrap();
    let registry = Registry {
        username: Some("me".to_owned()),
        password: Some(SecretRef::File(path.display().to_string())),
        ..registry(&fake)
    };
    (fake, dir, registry)
}

/// `me:hunter2`
const BASIC: &str = "Basic bWU6aHVudGVyMg==";

#[tokio::test]
async fn a_registry_that_asks_for_a_password_gets_it() {
    let (fake, _dir, registry) = locked(Has::one(), BASIC, "Basic realm=\"x\"".to_owned()).await;
    let repository = format!("{}/shop/app", registry.registry);
    let attached = attached(&registry, &repository, &image()).await.unwrap();
    assert_eq!(attached.contents.len(), 1);
    assert!(!fake.asked()[0].contains("hunter2") && !fake.asked()[0].contains("authorization"));

    let says = why(&fake).await;
    assert!(says.contains("give a `username` and `password`"), "{says}");
}

#[tokio::test]
async fn a_registry_that_asks_for_a_token_gets_one() {
    let tokens = Fake::answering(|_| answer("200 OK", "", b"{\"access_token\":\"t0ken\"}")).await;
    let challenge = format!(
        "Bearer realm=\"{}\",service=\"reg\",scope=\"repository:shop/app:pull\"",
        tokens.url("/token")
    );
    let (_fake, _dir, registry) = locked(Has::one(), "Bearer t0ken", challenge).await;
    let repository = format!("{}/shop/app", registry.registry);
    let attached = attached(&registry, &repository, &image()).await.unwrap();
    assert_eq!(attached.contents.len(), 1);
    let asked = tokens.asked();
    assert_eq!(asked.len(), 1, "one token does for all");
    assert_eq!(
        path(&asked[0]),
        "/token?service=reg&scope=repository%3Ashop%2Fapp%3Apull"
    );
    assert!(
        asked[0]
            .to_ascii_lowercase()
            .contains(&BASIC.to_ascii_lowercase())
    );
}

#[tokio::test]
async fn a_registry_that_asks_again_and_again_is_left() {
    let tokens = Fake::answering(|_| answer("200 OK", "", b"{\"token\":\"other\"}")).await;
    let challenge = format!("Bearer realm=\"{}\"", tokens.url("/token"));
    let (fake, _dir, registry) = locked(Has::one(), "Bearer t0ken", challenge).await;
    let repository = format!("{}/shop/app", registry.registry);
    let err = attached(&registry, &repository, &image()).await.unwrap_err();
    assert!(err.why.contains("answered 401: give a `username`"), "{err}");
    assert!(!err.why.contains("hunter2"));
    assert_eq!((fake.asked().len(), tokens.asked().len()), (2, 1));
}

#[tokio::test]
async fn contents_may_lie_elsewhere_and_credentials_stay() {
    let storage = Fake::answering(|_| answer("200 OK", "", b"{\"a\":\"bundle\"}")).await;
    let to = storage.url("/content");
    let mut has = Has::one();
    let (blob, body) = has
        .0
        .iter_mut()
        .find(|(key, _)| key.starts_with("blobs/"))
        .unwrap();
    let blob = blob.clone();
    body.1.clear();
    let fake = Fake::answering(move |request| {
        let location = format!("location: {to}\r\n");
        match request.to_ascii_lowercase().contains("authorization: basic") {
            true if path(request).ends_with(&blob) => answer("307 Temporary Redirect", &location, b""),
            true => has.answer(request),
            false => answer("401 Unauthorized", "www-authenticate: Basic\r\n", b""),
        }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("password");
    std::fs::write(&secret, "hunter2").unwrap();
    let registry = Registry {
        username: Some("me".to_owned()),
        password: Some(SecretRef::File(secret.display().to_string())),
        ..registry(&fake)
    };
    let repository = format!("{}/shop/app", registry.registry);
    let attached = attached(&registry, &repository, &image()).await.unwrap();
    assert_eq!(attached.contents, [b"{\"a\":\"bundle\"}"]);
    assert_eq!(storage.asked().len(), 1);
    assert!(!storage.asked()[0].to_ascii_lowercase().contains("authorization"));
}

#[tokio::test]
async fn redirects_end_and_do_not_leave_what_may_be_asked() {
    let again =
        Fake::answering(|request| answer("302 Found", &format!("location: {}\r\n", path(request)), b""))
            .await;
    assert!(why(&again).await.contains("5 redirects are followed"));
    let outside = Fake::answering(|_| answer("302 Found", "location: http://192.0.2.1/x\r\n", b"")).await;
    let says = why(&outside).await;
    assert!(
        says.contains("`http://192.0.2.1/x` is not encrypted and is not asked"),
        "{says}"
    );
    let nowhere = Fake::answering(|_| answer("302 Found", "", b"")).await;
    assert!(why(&nowhere).await.contains("redirects to nowhere"));
}
