//! Protection: whose approval a new version needs before it is in force.

use gateline_model::{OWNERS_PER_PROTECTION_MAX, PROTECTION_COUNT_MAX, Protected, Protection};

use crate::de;
use crate::fields::Fields;
use crate::node::Node;

/// What stands under `protected` of a pipeline; nothing where it is not there.
///
/// The outer `None` is a mistake that was told.
pub(crate) fn of_pipeline(spec: &Fields<'_, '_, '_>) -> Option<Option<Protection>> {
    let Some(entry) = spec.get("protected") else {
        return Some(None);
    };
    let read: Protection = de::read(&entry.value, entry.at(), spec.sink)?;
    check(&read, &entry.value, spec)?;
    Some(Some(read))
}

/// What stands under `protected` of a file of roles.
pub(crate) fn of_roles(spec: &Fields<'_, '_, '_>) -> Option<Protected> {
    let Some(entry) = spec.get("protected") else {
        return Some(Protected::default());
    };
    let read: Protected = de::read(&entry.value, entry.at(), spec.sink)?;
    let Protected {
        pipelines,
        policies,
        calendars,
        notifications,
        roles,
    } = &read;
    let parts = [
        ("pipelines", pipelines),
        ("policies", policies),
        ("calendars", calendars),
        ("notifications", notifications),
        ("roles", roles),
    ];
    let mut fine = Some(());
    for (name, protection) in parts {
        if let (Some(protection), Some(part)) = (protection, entry.value.get(name)) {
            fine = fine.and(check(protection, &part.value, spec));
        }
    }
    fine.map(|()| read)
}

/// A protection that nobody can satisfy would keep every later version out, the one that mends it among them.
fn check(protection: &Protection, node: &Node, spec: &Fields<'_, '_, '_>) -> Option<()> {
    let Protection {
        owners,
        count,
        signed: _,
    } = protection;
    let at = |name: &str| node.get(name).map_or(&node.span, |entry| entry.at());
    if owners.is_empty() || owners.len() > OWNERS_PER_PROTECTION_MAX {
        let message = format!(
            "{} teams own this; there are 1 to {OWNERS_PER_PROTECTION_MAX} (OWNERS_PER_PROTECTION_MAX)",
            owners.len()
        );
        let help =
            Some("name the teams whose people approve new versions, as in `owners: [platform]`".to_owned());
        spec.sink
            .error_with("protected.owners", at("owners"), message, help);
        return None;
    }
    if *count == 0 || *count > PROTECTION_COUNT_MAX {
        let message = format!(
            "{count} owners would have to approve; it takes 1 to {PROTECTION_COUNT_MAX} (PROTECTION_COUNT_MAX)"
        );
        let help = Some("leave `count` out where one is enough".to_owned());
        spec.sink
            .error_with("protected.count", at("count"), message, help);
        return None;
    }
    Some(())
}
