//! The known name that was probably meant.

/// Longest text compared, in bytes: the work is the product of both lengths.
const COMPARED_BYTES_MAX: usize = 64;

/// The name that differs least from `text`, if it is near enough to have been meant.
pub(crate) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    // A third of the letters may be wrong; short words may have one wrong letter.
    let limit = (text.len() / 3).max(1);
    known
        .into_iter()
        .map(|name| (distance(&text, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `did you mean ..?` for the nearest name; otherwise all of them.
pub(crate) fn meant<'a>(text: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(name) = nearest(text, known.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let names: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| format!("known here: {}", names.join(", ")))
}

/// Letters to insert, delete, replace or swap with their neighbour to make one text the other.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > COMPARED_BYTES_MAX || b.len() > COMPARED_BYTES_MAX {
        return if a == b { 0 } else { usize::MAX };
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(rows[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_through_slips_of_the_finger() {
        let known = ["coverage", "command", "metric", "soak"];
        for (text, name) in [
            ("covrage", "coverage"),
            ("comand", "command"),
            ("metrics", "metric"),
            ("saok", "soak"),
            ("SOAK", "soak"),
        ] {
            assert_eq!(nearest(text, known), Some(name), "{text}");
        }
        assert_eq!(nearest("banana", known), None);
    }

    #[test]
    fn a_word_like_no_other_is_told_all_names() {
        assert_eq!(
            meant("zzz", ["a1", "b2"]).as_deref(),
            Some("known here: `a1`, `b2`")
        );
        assert_eq!(meant("zzz", []), None);
    }
}
