use axum::http::StatusCode;
use gateline_api::{
    ApplyCalendar, CalendarPath, CalendarQuery, CalendarRequest, ConfirmOverride, ConfirmRequest, Empty,
    GetCalendar, ListCalendars, ListOverrides, ListWindows, OverrideGate, OverridePath, OverrideQuery,
    OverrideRequest, PromotionPath, ReasonRequest, WindowQuery, WithdrawOverride, WriteReview,
};
use gateline_model::Scope;
use jiff::{Timestamp, ToSpan};

use crate::pages::{get, post, text};
use crate::support::{App, Client, PIPELINE, id};

const HOLIDAYS: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20001225\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:Christmas Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn calendar(text: &str) -> CalendarRequest {
    CalendarRequest {
        project: "payments".parse().unwrap(),
        name: "bavaria".parse().unwrap(),
        text: text.to_owned(),
        written: None,
    }
}

/// Production opens in a window that is always open but for holidays, and asks for two people on an override.
fn pipeline() -> String {
    let windows = "  windows:\n    always: {zone: Europe/Berlin, from: \"00:00\", to: \"24:00\", holidays: [bavaria]}\n  stages:";
    let rules =
        "      windows: [always]\n      overrides: {second_person: true, open_reviews_hold: [promotions]}\n";
    let text = PIPELINE.replacen("  stages:", windows, 1);
    let at = text.find("    - name: dev\n").unwrap() + "    - name: dev\n".len();
    format!("{}{rules}{}", &text[..at], &text[at..])
}

#[tokio::test]
async fn a_calendar_is_read_when_it_is_applied_and_what_is_none_is_refused_with_its_entry() {
    let (_app, admin, reader, _) = App::start().await;
    let apply = async |text: &str| {
        let request = calendar(text);
        admin.ask::<ApplyCalendar>(&Empty {}, &Empty {}, &request).await
    };
    let reply = apply(HOLIDAYS).await.unwrap();
    assert!(reply.changed);
    assert!(
        !apply(HOLIDAYS).await.unwrap().changed,
        "the same file again changes nothing"
    );
    let list = reader
        .ask::<ListCalendars>(&Empty {}, &CalendarQuery::default(), &Empty {})
        .await
        .unwrap();
    assert_eq!((list.len(), list[0].version), (1, reply.version));
    let path = CalendarPath {
        project: "payments".parse().unwrap(),
        calendar: "bavaria".parse().unwrap(),
    };
    let view = reader
        .ask::<GetCalendar>(&path, &Empty {}, &Empty {})
        .await
        .unwrap();
    assert_eq!(
        view.calendar.source,
        gateline_model::Digest::of(HOLIDAYS.as_bytes())
    );
    assert!(
        view.calendar
            .holidays
            .iter()
            .all(|day| day.name == "Christmas Day")
    );
    let problem = apply(&HOLIDAYS.replace("YEARLY", "SECONDLY")).await.unwrap_err();
    assert_eq!(problem.code, "calendar.invalid");
    assert!(problem.detail.contains("`Christmas Day`"), "{}", problem.detail);
    let gone = CalendarPath {
        calendar: "nowhere".parse().unwrap(),
        ..path
    };
    let problem = reader
        .ask::<GetCalendar>(&gone, &Empty {}, &Empty {})
        .await
        .unwrap_err();
    assert_eq!((problem.code.as_str(), problem.status), ("calendar.unknown", 404));
}

/// Whoever asked takes an override back, and nobody else does.
async fn is_taken_back_by_who_asked_alone(admin: &Client, bo: &Client, path: &OverridePath) {
    let why = ReasonRequest {
        reason: "the suite is mended".into(),
    };
    let foreign = bo
        .ask::<WithdrawOverride>(path, &Empty {}, &why)
        .await
        .unwrap_err();
    assert_eq!(foreign.code, "override.not_yours");
    assert!(
        text(get(admin, "/overrides").await)
            .await
            .contains("act-withdraw")
    );
    let withdrawn = admin
        .ask::<WithdrawOverride>(path, &Empty {}, &why)
        .await
        .unwrap();
    assert!(withdrawn.overrides.is_empty());
}

#[tokio::test]
async fn an_override_of_two_people_is_told_until_it_is_reviewed() {
    let (app, admin, reader, _) = App::start().await;
    // A holiday that no run of this test falls on.
    let far = HOLIDAYS.replace("20001225\\r\\nRRULE:FREQ=YEARLY", "20991225");
    admin
        .ask::<ApplyCalendar>(&Empty {}, &Empty {}, &calendar(&far))
        .await
        .unwrap();
    admin.apply(&pipeline()).await.unwrap();
    let timetables = reader
        .ask::<ListWindows>(&Empty {}, &WindowQuery::default(), &Empty {})
        .await
        .unwrap();
    assert_eq!(timetables.len(), 1);
    assert!(
        timetables[0]
            .told
            .windows(2)
            .all(|pair| pair[0].until == pair[1].from)
    );
    admin.register("1.0.0").await.unwrap();
    let (first, gate) = (id("dev/1"), "tests".parse().unwrap());
    let request = OverrideRequest {
        gate,
        until: Timestamp::now() + 1.hours(),
        reason: "the suite is broken, not the code".into(),
    };
    let asked = admin
        .ask::<OverrideGate>(&PromotionPath::from(&first), &Empty {}, &request)
        .await
        .unwrap();
    assert!(asked.overrides[0].waits && asked.admitted_at.is_none());
    let list = async || {
        let query = OverrideQuery::default();
        reader
            .ask::<ListOverrides>(&Empty {}, &query, &Empty {})
            .await
            .unwrap()
    };
    let waiting = list().await;
    assert_eq!(waiting.overrides.len(), 1);
    let reason = waiting.overrides[0].permission.reason.as_deref();
    assert_eq!(reason, Some("the suite is broken, not the code"));
    // Whoever asked cannot confirm; nor can whoever may not override.
    let path = OverridePath::new(&first, &request.gate);
    let confirm = ConfirmRequest {
        asked_at: Some(asked.overrides[0].at),
    };
    let own = admin
        .ask::<ConfirmOverride>(&path, &Empty {}, &confirm)
        .await
        .unwrap_err();
    assert_eq!(own.code, "override.own");
    let bo = app.actor("bo", &[Scope::Read, Scope::Override], &[], None).await;
    let stale = ConfirmRequest {
        asked_at: Some(asked.overrides[0].at - 1.seconds()),
    };
    let stale = bo
        .ask::<ConfirmOverride>(&path, &Empty {}, &stale)
        .await
        .unwrap_err();
    assert_eq!(stale.code, "override.stale");
    is_taken_back_by_who_asked_alone(&admin, &bo, &path).await;
    let asked = admin
        .ask::<OverrideGate>(&PromotionPath::from(&first), &Empty {}, &request)
        .await
        .unwrap();
    let confirm = ConfirmRequest {
        asked_at: Some(asked.overrides[0].at),
    };
    // The page offers it to the second person alone, and its form does it.
    assert!(
        !text(get(&admin, "/overrides").await)
            .await
            .contains("act-confirm")
    );
    assert!(text(get(&bo, "/overrides").await).await.contains("act-confirm"));
    let confirmed = bo
        .ask::<ConfirmOverride>(&path, &Empty {}, &confirm)
        .await
        .unwrap();
    assert_eq!(confirmed.overrides[0].confirmed_by, Some("bo".parse().unwrap()));
    let owed = list().await;
    assert_eq!((owed.overrides.len(), owed.reviews.len()), (0, 1));
    assert_eq!(owed.reviews[0].reason.as_deref(), reason);
    let review = ReasonRequest {
        reason: "The runner was out of disk.".into(),
    };
    let nobody = reader
        .ask::<WriteReview>(&path, &Empty {}, &review)
        .await
        .unwrap_err();
    assert_eq!(nobody.status, 403);
    let token = gateline_model::Digest::of(format!("{} csrf", bo.token()).as_bytes()).hex();
    let form = format!("csrf={token}&key=k&promotion={first}&gate=tests&reason=We+watch+the+disk.");
    let response = post(&bo, "/ui/overrides/review", form).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert!(list().await.reviews.is_empty());
}
