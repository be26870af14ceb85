//! What is a name, and what is none.

use super::*;

#[test]
fn slugs_are_dns_labels() {
    for good in ["a", "shop", "my-shop-2", &"a".repeat(63)] {
        assert!(good.parse::<Slug>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "Shop",
        "-shop",
        "shop-",
        "2shop",
        "sh_op",
        "../etc",
        "shop.git",
        "api",
        "a b",
        "ä",
        &"a".repeat(64),
    ] {
        assert!(bad.parse::<Slug>().is_err(), "{bad}");
    }
}

#[test]
fn a_project_name_gives_a_slug() {
    let longest = "a".repeat(Slug::MAX_LENGTH);
    for (name, slug) in [
        ("My Shop!", "my-shop"),
        ("  2nd try ", "nd-try"),
        ("Äpfel & Co", "apfel-co"),
        ("Größe", "grosse"),
        ("Магазин", "magazin"),
        ("日本", "ri-ben"),
        ("a--b", "a-b"),
        (&"a".repeat(100), &longest),
    ] {
        assert_eq!(Slug::stem_of(name).as_deref(), Some(slug), "{name}");
    }
    for nothing in ["!!!", "123", ""] {
        assert_eq!(Slug::stem_of(nothing), None, "{nothing}");
    }
}

#[test]
fn a_suffix_makes_room_for_itself() {
    let with = |stem: &str, suffix: &str| Slug::with_suffix(stem, suffix).unwrap();
    assert_eq!(with("shop", "12").as_str(), "shop-12");
    assert_eq!(with("api", "2").as_str(), "api-2");
    let longest = "a".repeat(Slug::MAX_LENGTH);
    assert_eq!(with(&longest, "3").as_str(), format!("{}-3", "a".repeat(61)));
    let dashed = format!("{}-bb", "a".repeat(60));
    assert_eq!(with(&dashed, "2").as_str(), format!("{}-2", "a".repeat(60)));
}

#[test]
fn branches_follow_git() {
    for good in ["main", "feature/x", "v1.2", "ünïcode"] {
        assert!(good.parse::<BranchName>().is_ok(), "{good}");
    }
    for bad in
        ["", "-x", "a..b", "a b", "x.lock", "a//b", ".x", "a/", "a~1", "HEAD", "x@{1}", "a\\b", "--exec=id"]
    {
        assert!(bad.parse::<BranchName>().is_err(), "{bad}");
    }
}

#[test]
fn emails_are_lower_cased_and_have_two_sides() {
    assert_eq!("Ada@Example.COM".parse::<Email>().unwrap().as_str(), "ada@example.com");
    for bad in ["", "ada", "@x.y", "ada@", "a da@x.y", "ada@x..y", "ada@-x.y"] {
        assert!(bad.parse::<Email>().is_err(), "{bad}");
    }
}

#[test]
fn an_address_that_is_said_has_nothing_that_cannot_be_seen() {
    assert_eq!(Email::said("Ada@example.com").unwrap().as_str(), "ada@example.com");
    for bad in ["a\u{200b}da@x.y", "\u{202e}ada@x.y", "ada"] {
        assert!(Email::said(bad).is_err(), "{bad}");
    }
    // As it may be stored.
    assert!("a\u{200b}da@x.y".parse::<Email>().is_ok());
}

#[test]
fn a_refusal_shows_no_control_characters() {
    let error = "\u{1b}[2J".parse::<Slug>().unwrap_err().to_string();
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

#[test]
fn what_is_previewed_is_told_from_the_rest() {
    let of_a_preview = |text: &str| {
        let (slug, name) = (text.parse::<Slug>().unwrap(), text.parse::<EnvironmentName>().unwrap());
        assert_eq!(slug.is_of_a_preview(), name.is_of_a_preview());
        slug.is_of_a_preview()
    };
    for text in ["shop-pr-8", "a-pr-0", "shop-pr-8-pr-9"] {
        assert!(of_a_preview(text), "{text}");
    }
    for text in ["pr-8", "shop-pr", "shop-pr-a", "shop-pr-8b", "spr-8"] {
        assert!(!of_a_preview(text), "{text}");
    }
}
