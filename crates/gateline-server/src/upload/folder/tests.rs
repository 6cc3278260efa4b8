//! What the folder bounds, and what of it stays.

use super::*;

fn name(actor: &str, key: &str) -> Name {
    Name::new(&actor.parse().unwrap(), key, &Digest::of(b"request"))
}

/// An upload that broke off after some bytes, and has another length in the table.
async fn begun(uploads: &Arc<Uploads>, name: Name, bytes: u64) -> Result<Seat, Refused> {
    let seat = uploads.take(name).await?;
    seat.file().unwrap().set_len(1).unwrap();
    seat.grow(bytes)?;
    Ok(seat)
}

fn says<T>(taken: Result<T, Refused>) -> String {
    let refused = taken.err().expect("it is refused");
    assert_eq!(refused.problem().code, "upload.too_many");
    refused.problem().detail.clone()
}

#[tokio::test]
async fn all_uploads_are_bounded_in_number_and_bytes_and_so_are_those_of_an_actor() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(dir.path().join("uploads"));
    let mut seats = Vec::new();
    for number in 0..UPLOADS_MAX {
        seats.push(
            uploads
                .take(name(&format!("actor-{number}"), "key"))
                .await
                .unwrap(),
        );
    }
    assert!(says(uploads.take(name("ana", "key")).await).contains("UPLOADS_MAX"));
    seats.clear();
    let per_actor = UPLOAD_BYTES_PER_ACTOR_MAX;
    let ana = begun(&uploads, name("ana", "a"), per_actor - 1).await.unwrap();
    let other = begun(&uploads, name("ana", "b"), 1).await.unwrap();
    assert!(says(other.grow(2)).contains("UPLOAD_BYTES_PER_ACTOR_MAX"));
    ana.grow(per_actor - 2).unwrap();
    other.grow(2).unwrap();
    for actor in ["b", "c", "d"] {
        seats.push(begun(&uploads, name(actor, "a"), per_actor).await.unwrap());
    }
    assert!(says(begun(&uploads, name("e", "a"), 1).await).contains("(UPLOAD_BYTES_MAX)"));
}

#[tokio::test]
async fn what_an_actor_broke_off_longest_ago_makes_room_for_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("uploads");
    let uploads = Uploads::open(folder.clone());
    let key = |number: usize| name("ana", &format!("key-{number}"));
    let other = begun(&uploads, name("ben", "key"), 1).await.unwrap();
    drop(other);
    let working = begun(&uploads, key(0), 1).await.unwrap();
    for number in 1..UPLOADS_PER_ACTOR_MAX {
        drop(begun(&uploads, key(number), 1).await.unwrap());
    }
    let next = begun(&uploads, key(UPLOADS_PER_ACTOR_MAX), 1).await.unwrap();
    assert!(uploads.standing(&key(1), true).unwrap().is_none());
    assert!(!folder.join(key(1).file()).exists());
    assert!(uploads.standing(&key(2), true).unwrap().is_some());
    assert!(uploads.standing(&name("ben", "key"), true).unwrap().is_some());
    // Bytes too: as many of the oldest go as are needed, never what is on its way.
    next.grow(UPLOAD_BYTES_PER_ACTOR_MAX - 1).unwrap();
    assert!(
        uploads
            .standing(&key(UPLOADS_PER_ACTOR_MAX - 1), true)
            .unwrap()
            .is_none()
    );
    assert!(uploads.standing(&key(0), true).unwrap().is_some());
    assert!(says(next.grow(UPLOAD_BYTES_PER_ACTOR_MAX)).contains("UPLOAD_BYTES_PER_ACTOR_MAX"));
    drop(working);
}

#[tokio::test]
async fn what_broke_off_is_kept_for_a_while_across_a_restart_and_then_gone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("uploads");
    let kept = name("ana", "key");
    let seat = begun(&Uploads::open(folder.clone()), kept.clone(), 1)
        .await
        .unwrap();
    drop(seat);
    std::fs::write(folder.join("README"), "not ours").unwrap();
    let touch = |ago: u64| {
        let file = File::options()
            .write(true)
            .open(folder.join(kept.file()))
            .unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(ago))
            .unwrap();
    };
    let secs = UPLOAD_KEPT.as_std().as_secs();
    touch(secs - 60);
    let uploads = Uploads::open(folder.clone());
    assert_eq!(
        uploads.standing(&kept, true).unwrap().map(|(bytes, _)| bytes),
        Some(1)
    );
    touch(secs + 1);
    let uploads = Uploads::open(folder.clone());
    assert!(uploads.standing(&kept, true).unwrap().is_none());
    assert!(!folder.join(kept.file()).exists());
    assert!(folder.join("README").exists());
}

#[tokio::test(start_paused = true)]
async fn who_holds_on_to_an_upload_is_waited_for_no_longer_than_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let uploads = Uploads::open(dir.path().join("uploads"));
    let holder = uploads.take(name("ana", "key")).await.unwrap();
    let started = tokio::time::Instant::now();
    let second = uploads.take(name("ana", "key")).await;
    assert_eq!(second.err().unwrap().problem().code, "server.busy");
    assert_eq!(started.elapsed().as_secs(), UPLOAD_TAKE_OVER_SECS_MAX);
    // The one that gave up wants it no more.
    let wanted = tokio::time::timeout(Duration::from_secs(1), holder.wanted());
    assert!(wanted.await.is_err());
    drop(holder);
    assert!(uploads.table().is_empty());
}

#[test]
fn a_name_is_read_back_from_its_file_and_nothing_else_is_a_name() {
    let name = name("ana", "key");
    assert_eq!(Name::of_file(&name.file()), Some(name.clone()));
    for other in [
        "",
        "a-b-c",
        "README",
        &format!("{}-x", name.file()),
        &name.file()[1..],
    ] {
        assert_eq!(Name::of_file(other), None, "{other}");
    }
}
