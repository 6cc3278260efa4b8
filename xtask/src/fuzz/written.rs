//! What people write beside pipelines, and what is handed round to prove something: settings, roles, calendars, conditions,
//! modules of policies, recordings, signed notes and proofs, names.

use std::path::Path;

use gateline_judge::Trace;
use gateline_log::{Checkpoint, KeyName, Note, TlogProof, Verifier};
use gateline_model::{ArtifactAt, Digest, Network, ReleaseRef, SecretRef, Span, StreamId, Version};
use gateline_policy::{Condition, Module, ModuleFiles};
use jiff::Timestamp;
use jiff::civil::date;
use serde_json::json;

use super::targets::{Target, files};

/// Files of every kind but pipelines.
const DOCUMENTS: [&str; 4] = [
    "apiVersion: gateline.dev/v1\nkind: Roles\nmetadata: {project: payments}\nspec:\n  teams:\n    - {name: tech-lead, members: [ana, bo], claims: [\"corp:sre\"]}\n    \
     - name: duty\n      on_call: {from: \"2026-01-05T09:00:00Z\", every: 7d, rotation: [cy, dee]}\n    \
     - name: pager\n      on_call: {http: \"https://h/oncalls?a=b\", who: /oncalls/*/user/email, every: 5m, max_age: 30m, timeout: 10s, token: env:PAGER}\n  \
     roles:\n    - {name: releasers, may: [promote, freeze], stages: [dev], teams: [tech-lead], actors: [eve]}\n  owners:\n    - {paths: [\"db/**\"], team: tech-lead}\n",
    "apiVersion: gateline.dev/v1\nkind: Notifications\nmetadata: {project: payments}\nspec:\n  per_hour: {releases: 20}\n  rules:\n    - name: ask\n      \
     on: [approval_asked, approval_reminded]\n      when: stage.production && promotion.outcome != \"superseded\"\n      to: [{channel: mail, people: [asked, on-call]}]\n      \
     digest: 15m\n      once: \"{pipeline} {day}\"\n",
    "apiVersion: gateline.dev/v1\nkind: Server\nspec:\n  url: https://gateline.example.com\n  proxies: [10.0.0.7, '::1']\n  secrets: {folders: [/etc/gateline/x], env: [A]}\n  \
     providers:\n    - {name: corp, title: Acme, issuer: 'https://l.example.com/x', client_id: g, client_secret: env:S, scopes: [groups], actor: sub, groups: groups}\n  \
     channels:\n    - {name: a, allow: [10.0.0.0/8], webhook: {url: 'https://h/', secret: env:W}}\n    - {name: b, mail: {server: 'smtps://h', from: a@b.c}}\n  \
     people:\n    - {actor: 'corp:ana', mail: ana@example.com, slack: T0123/U0456, github: 583231}\n",
    "apiVersion: gateline.dev/v1\nkind: Pipeline\nmetadata: {name: a, project: p}\nspec:\n  artifacts: [{name: a, kind: file}]\n  stages: [{name: s, target: {command: {apply: [a]}}}]\n",
];
/// A calendar of holidays, as calendars are exported.
const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:20260101\r\n\
    RRULE:FREQ=YEARLY;BYMONTH=1;COUNT=40\r\nEXDATE;VALUE=DATE:20270101\r\nSUMMARY:New Year\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\nDTSTAMP:20260101T000000Z\r\n\
    DTSTART;TZID=Europe/Berlin:20261224T120000\r\nDTEND;TZID=Europe/Berlin:20261226T000000\r\nSUMMARY:Quiet\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
/// Conditions, one a sample.
const CONDITIONS: [&str; 6] = [
    "risk.level in [\"high\", \"critical\"] || change.breaking",
    "change.paths.exists(p, p.startsWith(\"db/\") && p.matches(\"^db/[a-z]+\\\\.sql$\"))",
    "size(change.commits) < 10 && change.labels[\"team\"] == \"shop\"",
    "change.commits.map(c, c.id).filter(i, i != \"\").all(i, i.size() == 40)",
    "duration(\"15m\") < duration(\"1h\") ? true : has(change.kind)",
    "[1, 2, 3].exists_one(x, x * 7 % 3 == double(2)) && !(\"a\" + string(1) == \"a1\")",
];
/// A recording of the judge's ticks.
const TRACE: &str = "{\"t\":0,\"arm\":\"canary\",\"requests\":500,\"errors\":5,\"buckets\":{\"0.1\":400,\"0.5\":490,\"+Inf\":500},\"weight\":25}\n\
    {\"t\":0,\"arm\":\"stable\",\"pod\":\"stable-1\",\"requests\":1500,\"errors\":15,\"buckets\":{\"0.1\":1200,\"0.5\":1490,\"+Inf\":1500},\"weight\":25}\n\
    {\"t\":1000,\"arm\":\"canary\",\"requests\":501,\"errors\":5,\"buckets\":{\"0.1\":401,\"0.5\":490,\"+Inf\":501},\"weight\":25}\n";
/// A proof of a log, with its checkpoint, and whose key signed that.
const PROOF: &str = "crates/gateline-log/tests/vectors";
const LOG_KEY: &str = "gateline.example/log+23da9dd1+AaF/HtmIgzC3R5xyWu/RXSR/WPIZ9kjXJqrgzZjIJp5G";
/// Names and addresses, one a sample.
const NAMES: [&str; 11] = [
    "promotion/payments/payment-service/production/7",
    "project/payments",
    "stage/payments/payment-service/dev",
    "oci://registry.example.com:5000/shop/app@sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "git:https://example.com/a.git@0123456789012345678901234567890123456789",
    "file:/srv/app@sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "payments/payment-service@1.4.0-rc.1+build",
    "1h30m15s250ms",
    "10.0.0.0/8",
    "fd00::/8",
    "env:TOKEN",
];

/// All of them.
///
/// # Errors
/// When a sample cannot be read.
pub(super) fn all() -> Result<Vec<Target>, String> {
    let bytes = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    Ok(vec![
        Target::new("document", bytes(&DOCUMENTS), document),
        Target::new("calendar", bytes(&[CALENDAR]), calendar),
        Target::new("condition", bytes(&CONDITIONS), condition),
        Target::new("module", modules()?, module),
        Target::new("trace", bytes(&[TRACE]), trace),
        Target::new("proof", proofs()?, proof),
        Target::new("name", bytes(&NAMES), name),
    ])
}

fn document(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    if let Err(diagnostics) = gateline_spec::read_document("fuzz.yaml", &text) {
        drop(diagnostics.render(&text, false));
    }
    Ok(())
}

fn calendar(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    drop(gateline_spec::read_calendar(&text, date(2026, 1, 1)));
    Ok(())
}

fn condition(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(condition) = Condition::parse(&text, &["change", "risk"]) {
        let commits = vec![json!({"id": "a".repeat(40)}); 50];
        let change = json!({
            "breaking": false, "paths": ["db/a.sql", "src/main.rs"], "commits": commits,
            "labels": {"team": "shop"}, "kind": "fix",
        });
        drop(condition.judge(&json!({"change": change, "risk": {"level": "high"}})));
    }
    Ok(())
}

/// The text of a module's files, each behind a line with its path.
fn modules() -> Result<Vec<Vec<u8>>, String> {
    let found = files(&crate::root().join("examples/policies"))?.into_iter();
    let modules = found.filter(|(path, _)| path.extension().is_some_and(|ending| ending == "rego"));
    Ok(modules.map(|(_, bytes)| bytes).collect())
}

fn module(bytes: &[u8]) -> Result<(), String> {
    let files = ModuleFiles::of([("fuzz.rego".to_owned(), bytes.to_vec())]);
    if let Ok(module) = files.and_then(|files| Module::load(&files)) {
        let input = json!({"change": {"tickets": ["PAY-7"], "labels": {}, "commits": []}, "stage": {"production": true}});
        drop(module.ask(&input, Timestamp::UNIX_EPOCH));
    }
    // As a server keeps it.
    drop(ModuleFiles::from_bytes(bytes));
    Ok(())
}

fn trace(bytes: &[u8]) -> Result<(), String> {
    drop(Trace::read(&String::from_utf8_lossy(bytes)));
    Ok(())
}

fn proofs() -> Result<Vec<Vec<u8>>, String> {
    let found = files(&crate::root().join(PROOF))?.into_iter();
    let is_proof = |path: &Path| path.extension().is_some_and(|ending| ending == "tlog-proof");
    let mut proofs: Vec<Vec<u8>> = found
        .filter(|(path, _)| is_proof(path))
        .map(|(_, bytes)| bytes)
        .collect();
    // The checkpoint by itself stands at the end of a proof.
    let notes: Vec<Vec<u8>> = proofs
        .iter()
        .filter_map(|proof| {
            let text = std::str::from_utf8(proof).ok()?;
            let at = text.find("\n\n")? + 2;
            Some(text.as_bytes().get(at..)?.to_vec())
        })
        .collect();
    proofs.extend(notes);
    proofs.push(LOG_KEY.as_bytes().to_vec());
    Ok(proofs)
}

fn proof(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    let trusted: Vec<Verifier> = LOG_KEY.parse::<Verifier>().into_iter().collect();
    let origin: KeyName = "gateline.example/log".parse().map_err(|err| format!("{err}"))?;
    if let Ok(proof) = text.parse::<TlogProof>() {
        drop(proof.verify(b"entry", &origin, &trusted));
        match proof.to_string().parse::<TlogProof>() {
            Ok(again) if again == proof => {}
            other => return Err(format!("read a proof that reads back as {other:?}")),
        }
    }
    if let Ok(note) = Note::parse(&text) {
        drop(note.verify(&trusted));
    }
    drop(Checkpoint::verify(&text, &origin, &trusted));
    drop(text.parse::<Verifier>());
    Ok(())
}

/// What reads as a name is written as something that reads as the same name.
fn name(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    drop((
        text.parse::<Network>(),
        text.parse::<SecretRef>(),
        text.parse::<Digest>(),
    ));
    drop((
        text.parse::<ReleaseRef>(),
        text.parse::<Version>(),
        text.parse::<ArtifactAt>(),
    ));
    if let Ok(stream) = text.parse::<StreamId>()
        && stream.to_string().parse::<StreamId>().ok() != Some(stream.clone())
    {
        return Err(format!(
            "read a stream `{text}` that is written as another, `{stream}`"
        ));
    }
    // People are shown two units of a span; what is kept of it is exact.
    if let Ok(span) = text.parse::<Span>() {
        let kept = serde_json::to_value(span).ok();
        let again = kept.and_then(|kept| serde_json::from_value::<Span>(kept).ok());
        if again != Some(span) {
            return Err(format!(
                "read a span `{text}` that is kept as another, `{again:?}`"
            ));
        }
    }
    Ok(())
}
