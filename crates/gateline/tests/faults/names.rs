//! Names that cannot be looked up: of the database, of a metric source, and of an address that is told.

use super::cluster::Database;
use super::disk::with_mounts;
use super::place::{Place, SIMPLE, eventually};
use super::target::detail;
use super::told::{Told, line};

#[test]
fn a_database_whose_name_is_gone_is_told_and_found_again() {
    let mut told = Told::of(
        "dns-database",
        "One server on PostgreSQL, which it knows by a name in an `/etc/hosts` that it alone has. The name is taken out, there is no other name \
         server, and all connections of the database are ended. Later the name is put back.",
        "`/readyz` answers 503 with the reason, and the server goes on by itself when the name is there again.",
    );
    let database = Database::new();
    let dir = tempfile::tempdir().unwrap();
    let (hosts, servers) = (dir.path().join("hosts"), dir.path().join("resolv.conf"));
    std::fs::write(&hosts, "127.0.0.1 localhost db.test\n").unwrap();
    // Nobody answers there.
    std::fs::write(&servers, "nameserver 127.0.0.1\noptions attempts:1 timeout:1\n").unwrap();
    let names = with_mounts(&format!(
        "mount --bind {} /etc/hosts && mount --bind {} /etc/resolv.conf",
        hosts.display(),
        servers.display()
    ));
    let store = format!(
        "postgres://postgres@db.test:{}/{}?sslmode=disable",
        database.port, database.name
    );
    let place = Place::start_as(&names, &[store]);
    let server = &place.replicas[0];
    place.apply(server.port, SIMPLE);
    std::fs::write(&hosts, "127.0.0.1 localhost\n").unwrap();
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let ended = database.psql(end);
    let answer = eventually("it is not ready", || {
        let answer = server.get("/readyz");
        answer.starts_with("HTTP/1.1 503").then_some(answer)
    });
    told.saw(format!(
        "{ended} connections were ended. `/readyz` answered 503: {}",
        detail(&answer)
    ));
    let said = eventually("it says which name", || {
        let log = server.log();
        log.contains("db.test").then(|| line(&log, "db.test"))
    });
    told.saw(format!("It said: {said}"));
    std::fs::write(&hosts, "127.0.0.1 localhost db.test\n").unwrap();
    eventually("it is ready again", || {
        server.get("/readyz").starts_with("HTTP/1.1 200").then_some(())
    });
    place.release(server.port, "1.0.0");
    place.becomes(server.port, "1.0.0", "verified");
    told.saw("With the name back it was ready, and a release was verified, without a restart.");
}

#[test]
fn a_metric_source_and_an_address_to_tell_without_a_name_are_errored_and_tried_again() {
    let mut told = Told::of(
        "dns-outside",
        "One server on SQLite, a gate that asks a metric source, and a webhook that is told of decisions; no name server knows either host.",
        "The gate waits, with the check errored and its reason, and is never passed. The letter stays pending with the reason and is tried again. \
         The server stays ready.",
    );
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("server.yaml");
    std::fs::write(
        &config,
        "apiVersion: gateline.dev/v1\nkind: Server\nspec:\n  channels:\n    - name: hook\n      \
         webhook: {url: \"https://hook.invalid/in\", secret: \"env:GATELINE_TEST_PASSWORD\"}\n",
    )
    .unwrap();
    let script = format!("exec \"$@\" --config {}", config.display());
    let with_config = ["sh", "-c", &script, "sh"].map(str::to_owned);
    let store = format!("sqlite:{}", dir.path().join("gateline.db").display());
    let place = Place::start_as(&with_config, &[store]);
    let server = &place.replicas[0];
    let rules = dir.path().join("notifications.yaml");
    std::fs::write(
        &rules,
        "apiVersion: gateline.dev/v1\nkind: Notifications\nmetadata: {project: shop}\nspec:\n  rules:\n    - name: all\n      \
         on: [promotion_requested]\n      to: [{channel: hook}]\n",
    )
    .unwrap();
    place.ok(server.port, &["apply", "-f", rules.to_str().unwrap()]);
    let gated = format!(
        "{SIMPLE}\n      gates:\n        - metric: {{source: {{prometheus: {{url: \"http://metrics.invalid:9090\"}}}}, query: up, threshold: \">= 1\"}}\n          \
         because: Nobody promotes blindly."
    );
    place.apply(server.port, &gated);
    place.release(server.port, "1.0.0");
    let said = eventually("the gate says why it waits", || {
        let explained = place.gateline(server.port, &["explain", "app@1.0.0", "--to", "live"]);
        let text = String::from_utf8_lossy(&explained.stdout).into_owned();
        text.contains("metrics.invalid")
            .then(|| line(&text, "metrics.invalid"))
    });
    told.saw(format!("The gate: {said}"));
    let letters = eventually("the letter says why it is pending", || {
        let letters = place.gateline(server.port, &["notifications"]);
        let text = String::from_utf8_lossy(&letters.stdout).into_owned();
        text.contains("hook.invalid").then_some(text)
    });
    assert!(letters.contains("pending"), "{letters}");
    told.saw(format!("The letter: {}", line(&letters, "hook.invalid")));
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));
    told.saw("`/readyz` answered 200 all the while.");
}
