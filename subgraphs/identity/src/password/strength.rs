//! How hard a password is to guess, by zxcvbn (Wheeler, USENIX Security 2016): common passwords, words,
//! names, dates, keyboard patterns, and what is known of the person. No rules of composition
//! (NIST SP 800-63B, section 5.1.1.2).

use zeroize::Zeroizing;
use zxcvbn::{
    Score,
    feedback::{Suggestion, Warning},
    zxcvbn,
};

/// Words of a text shorter than this are in too many passwords to count as known of a person.
const SHORTEST_WORD: usize = 3;

/// What is wrong with the password and what to do, where it could be guessed; `None` where it is strong
/// enough: at least 10^8 guesses for somebody who knows `about`, the person's name, address and
/// organization. Takes some milliseconds of computing.
pub(super) fn weakness(password: &str, about: &[String]) -> Option<String> {
    let known = words(about);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let lower = Zeroizing::new(password.to_lowercase());
    // Three known words in a row are many guesses by the estimate, and few for whoever knows them: what
    // is known counts for nothing.
    let rest =
        known.iter().fold(lower.clone(), |rest, word| Zeroizing::new(rest.replace(word, "")));
    let personal = rest != lower;
    let estimated = zxcvbn(password, &known);
    let weak_rest = personal && zxcvbn(&rest, &[]).score() < Score::Three;
    if estimated.score() >= Score::Three && !weak_rest {
        return None;
    }
    let feedback = estimated.feedback();
    let reason = match feedback.and_then(|feedback| feedback.warning()) {
        _ if personal => "it is made of what is known of you",
        Some(warning) => why(warning),
        None => "it is put together from what is tried first",
    };
    let suggestions = feedback.map_or(&[][..], |feedback| feedback.suggestions());
    let also = suggestions.iter().find_map(|suggestion| note(*suggestion)).unwrap_or_default();
    Some(format!(
        "That password is easy to guess: {reason}. Take several words that have nothing to do with each \
         other or with you.{also}"
    ))
}

/// The texts and the words in them, in small letters, longer ones first.
fn words(about: &[String]) -> Vec<String> {
    let long = |word: &&str| word.chars().count() >= SHORTEST_WORD;
    let mut all: Vec<String> = about
        .iter()
        .flat_map(|text| {
            let parts = text.split(|c: char| !c.is_alphanumeric());
            std::iter::once(text.as_str()).chain(parts).filter(long).map(str::to_lowercase)
        })
        .collect();
    all.push("studio".to_owned());
    all.sort_by_key(|word| std::cmp::Reverse(word.len()));
    all
}

fn why(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess
        | Warning::ShortKeyboardPatternsAreEasyToGuess => "it follows the keyboard",
        Warning::RepeatsLikeAaaAreEasyToGuess
        | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => "it repeats itself",
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword => "many people use it",
        Warning::ThisIsSimilarToACommonlyUsedPassword => "it is close to one that many people use",
        Warning::SequencesLikeAbcAreEasyToGuess => "it counts or spells the alphabet",
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => "it is a date",
        Warning::AWordByItselfIsEasyToGuess => "it is one word",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => "it is a name",
    }
}

fn note(suggestion: Suggestion) -> Option<&'static str> {
    Some(match suggestion {
        Suggestion::CapitalizationDoesntHelpVeryMuch
        | Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase => {
            " Capital letters add little."
        }
        Suggestion::ReversedWordsArentMuchHarderToGuess => " Words written backwards add little.",
        Suggestion::PredictableSubstitutionsDontHelpVeryMuch => {
            " Digits and signs in the place of letters add little."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_is_hard_to_guess_passes() {
        for good in [
            "difference engine no 2",
            "a long enough password",
            "another long password",
            "one walnut per tide",
            "quiet orchard seven",
            "correct horse battery staple",
            "ünïcödé wörds von gestern",
            "demo-00112233445566778899",
            &(0..300).map(|n: u32| n.pow(2).to_string()).collect::<String>(),
        ] {
            assert_eq!(weakness(good, &[]), None, "{good}");
        }
    }

    #[test]
    fn what_is_tried_first_does_not() {
        for (bad, said) in [
            ("password1234", "many people use it"),
            ("qwertyuiopas", "many people use"),
            ("aaaaaaaaaaaaaaa", "repeats itself"),
            ("abcabcabcabcabc", "easy to guess"),
            ("abcdefghijklmnop", "easy to guess"),
            ("P@ssw0rd1234", "easy to guess"),
        ] {
            let weakness = weakness(bad, &[]).unwrap_or_else(|| panic!("{bad} passes"));
            assert!(weakness.contains(said), "{bad}: {weakness}");
            assert!(!weakness.contains(bad), "no password in a message");
        }
    }

    #[test]
    fn what_is_known_of_the_person_counts_for_nothing() {
        let ada = about(&["Ada Lovelace", "ada@example.org", "Analytical Engines"]);
        for bad in [
            "lovelace lovelace",
            "Analytical1815",
            "ada@example.org",
            "Engines-2026!",
            "Ada-Lovelace-Analytical-Engines",
        ] {
            let weakness = weakness(bad, &ada).unwrap_or_else(|| panic!("{bad} passes"));
            assert!(weakness.contains("known of you"), "{bad}: {weakness}");
        }
        assert_eq!(weakness("one walnut per tide", &ada), None);
    }
}
