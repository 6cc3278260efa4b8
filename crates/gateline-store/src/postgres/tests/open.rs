//! Opening a database: made, brought forward, foreign, newer, without a way in.

use super::*;

#[test]
fn servers_that_start_at_once_make_the_tables_once() {
    let database = Database::new();
    let url = database.url();
    std::thread::scope(|scope| {
        let opening: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| store(&url).head().unwrap()))
            .collect();
        for opened in opening {
            assert_eq!(opened.join().unwrap().size, 0);
        }
    });
    let versions = database.psql("SELECT string_agg(number::text, ',') FROM gateline.version");
    assert_eq!(
        versions,
        (1..=schema::VERSION)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
            .join(",")
    );
}

#[test]
fn tables_that_a_newer_gateline_made_are_refused() {
    let database = Database::new();
    drop(store(&database.url()));
    database.psql("INSERT INTO gateline.version VALUES (99, now())");
    let address = database.url().parse().unwrap();
    for err in [
        PostgresStore::open(&address).unwrap_err(),
        PostgresReader::open(&address).unwrap_err(),
    ] {
        assert!(
            matches!(
                err,
                PostgresError::Newer {
                    found: 99,
                    known: schema::VERSION,
                    ..
                }
            ),
            "{err}"
        );
    }
}

#[test]
fn tables_of_each_earlier_gateline_are_brought_forward_and_no_statistics_tell_what_people_wrote() {
    for first in 1..schema::VERSION {
        let database = Database::new();
        let version = |number: u32| format!("INSERT INTO gateline.version VALUES ({number}, now())");
        let mut made = vec![
            "CREATE SCHEMA gateline".to_owned(),
            "CREATE TABLE gateline.version (number integer PRIMARY KEY, at timestamptz NOT NULL)".to_owned(),
        ];
        made.extend(
            schema::MIGRATIONS[..first as usize]
                .iter()
                .map(|&sql| sql.to_owned()),
        );
        // So that this build writes a history into the tables as they were then.
        made.push(version(schema::VERSION));
        database.psql(&made.join(";\n"));
        let mut old = store(&database.url());
        for number in 0..5 {
            let mut item = sample::one(sample::stream(number), 0);
            item.events[0].private = Some(([7; 16], sample::private(&format!("Anastasia {number}"))));
            append(&mut old, item).unwrap();
        }
        let (head, events) = (old.head().unwrap(), old.read(0, 100).unwrap());
        drop(old);
        database.psql(&format!("TRUNCATE gateline.version; {}; ANALYZE", version(first)));
        let told = || {
            let bounds = "SELECT coalesce(string_agg(histogram_bounds::text, ''), '') FROM pg_stats \
                 WHERE schemaname = 'gateline' AND attname IN ('salt', 'private', 'doc', 'hash', 'agent', 'name')";
            database.psql(bounds)
        };
        let name = "Anastasia"
            .bytes()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        assert!(
            first > 1 || told().contains(&name),
            "else it shows nothing: {}",
            told()
        );

        let forward = store(&database.url());
        assert_eq!(
            (forward.head().unwrap(), forward.read(0, 100).unwrap()),
            (head, events)
        );
        assert!(!told().contains(&name), "{}", told());
        database.psql("ANALYZE");
        assert!(!told().contains(&name), "{}", told());
    }
}

#[test]
fn a_schema_of_somebody_else_is_refused_and_left_as_it_is() {
    let database = Database::new();
    database.psql("CREATE SCHEMA gateline; CREATE TABLE gateline.log (number integer)");
    let address = database.url().parse().unwrap();
    let err = PostgresStore::open(&address).unwrap_err();
    assert!(matches!(err, PostgresError::Foreign(_)), "{err}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'gateline'";
    assert_eq!(database.psql(tables), "1");

    // Ours, and edited: no build ever made such tables.
    let database = Database::new();
    let address = database.url().parse().unwrap();
    let mut opened = store(&database.url());
    database.psql("UPDATE gateline.version SET number = number - 9");
    for err in [
        PostgresStore::open(&address).unwrap_err(),
        PostgresReader::open(&address).unwrap_err(),
    ] {
        assert!(matches!(err, PostgresError::Foreign(_)), "{err}");
    }
    database.psql("DROP SCHEMA gateline CASCADE");
    let gone = opened.append(sample::at(0), &[sample::one(sample::stream(1), 0)]);
    let gone = gone.unwrap_err();
    assert!(
        gone.to_string().contains("restore a backup into an empty one"),
        "{gone}"
    );
}

#[test]
fn what_only_takes_reads_is_looked_at_and_not_written_to() {
    let database = Database::new();
    let url = database.url();
    drop(store(&url));
    database.psql(&format!(
        "ALTER DATABASE {} SET default_transaction_read_only = on",
        database.name
    ));
    let address = url.parse().unwrap();
    let err = PostgresStore::open(&address).unwrap_err().to_string();
    assert!(err.contains("or `default_transaction_read_only` is on"), "{err}");
    let reader = PostgresReader::open(&address).unwrap();
    let size = reader.at_one_moment(|reader| Ok::<_, StoreError>(reader.head()?.size));
    assert_eq!(size.unwrap(), 0);
}

#[test]
fn a_reader_makes_no_tables() {
    let database = Database::new();
    let err = PostgresReader::open(&database.url().parse().unwrap()).unwrap_err();
    assert!(matches!(err, PostgresError::Empty(_)), "{err}");
    assert_eq!(database.psql("SELECT to_regnamespace('gateline') IS NULL"), "t");
}

#[test]
fn what_cannot_be_opened_says_what_to_do() {
    let database = Database::new();
    let err = |url: &str| {
        PostgresStore::open(&url.parse().unwrap())
            .unwrap_err()
            .to_string()
    };
    let place = format!("127.0.0.1:{}", database.port);
    let missing = err(&format!("postgres://postgres@{place}/nowhere"));
    assert!(missing.contains("make the database with `createdb`"), "{missing}");
    let stranger = err(&format!("postgres://nobody@{place}/{}", database.name));
    assert!(stranger.contains("nobody"), "{stranger}");
    let silent = err(&format!(
        "postgres://postgres@127.0.0.1:{}/x",
        crate::contract::cluster::free_port()
    ));
    assert!(silent.contains("see that the database server runs"), "{silent}");
    database.psql("ALTER DATABASE postgres SET client_min_messages = notice");
    let plain = err(&format!(
        "postgres://postgres@{place}/{}?sslmode=verify-full",
        database.name
    ));
    assert!(
        plain.contains("turn on `ssl` in its `postgresql.conf`"),
        "{plain}"
    );
    let two = err(&format!(
        "postgres://postgres@{place},127.0.0.1:{}/nowhere",
        crate::contract::cluster::free_port()
    ));
    assert!(
        two.contains(&format!("`{place}`: ")) && two.contains("createdb") && two.contains("server runs"),
        "{two}"
    );
    let latin = format!("{}_latin", database.name);
    database.psql(&format!(
        "CREATE DATABASE {latin} ENCODING 'LATIN1' TEMPLATE template0"
    ));
    let encoding = err(&format!("postgres://postgres@{place}/{latin}"));
    database.psql(&format!("DROP DATABASE {latin} WITH (FORCE)"));
    assert!(encoding.contains("createdb --encoding=UTF8"), "{encoding}");
}

#[test]
fn a_password_that_is_wrong_is_in_no_message() {
    let cluster = Cluster::start(&[]);
    cluster.psql("CREATE ROLE ana LOGIN PASSWORD 'right-one'");
    cluster.psql("CREATE DATABASE ana OWNER ana");
    let hba = cluster.data().join("pg_hba.conf");
    std::fs::write(
        hba,
        "host all postgres all trust\nhost all all all scram-sha-256\n",
    )
    .unwrap();
    cluster.psql("SELECT pg_reload_conf()");
    let dir = crate::contract::Dir::new();
    let file = dir.path("password");
    let url = format!(
        "postgres://ana@127.0.0.1:{}/ana?password=file:{}",
        cluster.port,
        file.display()
    );
    std::fs::write(&file, "wrong-one\n").unwrap();
    let err = PostgresStore::open(&url.parse().unwrap()).unwrap_err();
    let told = format!("{err} {err:?}");
    assert!(!told.contains("wrong-one"), "{told}");
    assert!(told.contains("names the right password"), "{told}");
    std::fs::write(&file, "right-one\n").unwrap();
    let mut opened = store(&url);
    append(&mut opened, sample::one(sample::stream(1), 0)).unwrap();
    assert!(!format!("{opened:?}").contains("right-one"));
}

#[test]
fn a_server_that_does_not_prove_who_it_is_is_not_spoken_to() {
    let cluster = Cluster::start(&[]);
    let dir = crate::contract::Dir::new();
    let made = |name: &str, host: &str| {
        let (key, cert) = (dir.path(&format!("{name}.key")), dir.path(&format!("{name}.crt")));
        let status = std::process::Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
            ])
            .args([
                "-subj",
                &format!("/CN={host}"),
                "-addext",
                &format!("subjectAltName=DNS:{host}"),
            ])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&cert)
            .stderr(std::process::Stdio::null())
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "openssl makes a certificate"
        );
        (key, cert)
    };
    let (key, cert) = made("server", "localhost");
    let (_, stranger) = made("stranger", "localhost");
    let data = cluster.data();
    std::fs::copy(&key, data.join("server.key")).unwrap();
    std::fs::copy(&cert, data.join("server.crt")).unwrap();
    let status = std::process::Command::new("chown")
        .arg(format!("--reference={}", data.display()))
        .args([data.join("server.key"), data.join("server.crt")])
        .status();
    assert!(status.is_ok_and(|status| status.success()));
    cluster.psql("ALTER SYSTEM SET ssl = on");
    cluster.psql("SELECT pg_reload_conf()");
    let open = |host: &str, root: &std::path::Path| {
        let url = format!(
            "postgres://postgres@{host}:{}/postgres?sslrootcert={}",
            cluster.port,
            root.display()
        );
        PostgresStore::open(&url.parse().unwrap())
    };
    let mut store = open("localhost", &cert).unwrap();
    append(&mut store, sample::one(sample::stream(1), 0)).unwrap();
    assert!(store.is_direct().unwrap(), "encryption hides nothing of it");
    let encrypted =
        cluster.psql("SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl");
    assert_eq!(encrypted, "1");
    for (host, root) in [("localhost", &stranger), ("127.0.0.1", &cert)] {
        let err = open(host, root).unwrap_err().to_string();
        assert!(err.contains("certificate"), "{err}");
    }
}

#[test]
fn what_the_doctor_looks_at_beside_the_log_is_found_and_mended() {
    let database = Database::new();
    let mut opened = store(&database.url());
    let reader = PostgresReader::open(&database.url().parse().unwrap()).unwrap();
    let work = sample::work(1, 0);
    let item = Append {
        work_add: vec![work.clone()],
        ..sample::one(sample::stream(1), 0)
    };
    append(&mut opened, item).unwrap();
    assert_eq!(reader.unsound().unwrap(), [""; 0]);
    assert_eq!(reader.faults().unwrap(), [""; 0]);
    for (edit, says) in [
        (
            "UPDATE gateline.work SET attempt = -1",
            "has a time, a fence or a count",
        ),
        (
            "UPDATE gateline.work SET due_us = 9223372036854775807",
            "has a time, a fence or a count",
        ),
        (
            "UPDATE gateline.work SET free_us = free_us + 1",
            "is free at another time",
        ),
        (
            "UPDATE gateline.work SET fence = 99",
            "the last fence that was given",
        ),
        (
            "SELECT setval('gateline.fence', 9223372036854775807)",
            "the last fence that was given",
        ),
        (
            "INSERT INTO gateline.idempotency VALUES ('ana x', '', 7, 8, 0)",
            "names events that are not in the log",
        ),
        (
            "INSERT INTO gateline.rollout (promotion, ticks, root) VALUES ('a/b/c/1', 3, '')",
            "are counted wrongly",
        ),
    ] {
        database.psql(edit);
        let found = reader.unsound().unwrap().join("; ");
        assert!(found.contains(says), "{edit}: {found}");
        opened
            .rebuild(
                &[],
                std::slice::from_ref(&work),
                &std::collections::BTreeSet::new(),
            )
            .unwrap();
        assert_eq!(reader.unsound().unwrap(), [""; 0], "{edit}");
        assert_eq!(opened.work().unwrap().len(), 1, "{edit}");
    }
    database.psql("DROP INDEX gateline.log_stream; DROP TABLE gateline.session");
    assert_eq!(
        reader.faults().unwrap(),
        [
            "`gateline.log_stream` is missing",
            "`gateline.session` is missing"
        ]
        .into_iter()
        .chain([
            "`gateline.session_actor` is missing",
            "`gateline.session_ends` is missing"
        ])
        .chain(["`gateline.session_used` is missing"])
        .collect::<Vec<_>>()
    );
}
