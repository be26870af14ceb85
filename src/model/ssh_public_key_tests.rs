//! Keys made with OpenSSH's `ssh-keygen`, whose fingerprints they are compared with.

use super::*;

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPIYkiMziLjXbGlFIBW4GN2bYR9wiguLIrdzSRCsHi42";
const ECDSA_256: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBrQStDjpfk2Agt6Ndq2\
    ruEhHccxvclaU4kvIuwZ2HZzdYdBQFZckA4neB49ZEF3YlRoupLoKa935V1sG8JRzXg=";
const ECDSA_384: &str = "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBECaOW5pDK7C6MavVpbo\
    Ry8ECZ+DMC4jisCB/o9HXxLVbnFhIUK1h29zH2SrSgyh2JMXLj2UJon/uOPuSajxI3fhyPR82R8citkb8G9uff9W2fgd\
    1ULmYt27liqPL6R7WQ==";
const ECDSA_521: &str = "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAEyfnYqov1ZkOt+eLPr\
    22CFu4IgoA0+be5xTiYOTHETtw7SWY8O95Cn8K3ThZT4LGplR1XPPTJvWK/wkZKS8lKKZQEPuJLJXxdpXIBIJUlokhuu\
    eAZf1SkQe1V93jm/mwz2LM2RylJ2DLTDG032Htns1Y+pC+RwXxa0bB2je6Dkt+GOWg==";
const RSA_3072: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDSb/ReNHRmcIjtrH2HfrZqQFvt8THGk3nPoiKZPozAZzo4VCjXxk/0\
    eox7CKnRibAkjI4kRbbiJhq/YnBmJWu6EyG8FVyqbBkMCeVczxD1AafdVg5zt/vNSDHcljOAeAmAag5A4oTkn0KygDae\
    hB0uikRAJRnLwofBcEjaHRHMTsFt5DmOn4DC5M2BUE26CKpYr2R/Vf/uDcNietc5mxEy/AFU4Fx9ydo9NtxF/F108e3w\
    utvEXVsQukZdpdQqwhEbKh05rAA0rK/HdWIObr6iqGCS7Z561feoTJzNE5DTFmKrf0bxhk+3u44YaCc9GlsTPugmpS+b\
    B24DJFOVZ5XbTaPj7k4Jc3mH4sZ4jxLaM0jR+UCEI4YYij0fIYMUwUGr0oQ/9Hk2E+vhEEMQj7fck2Qv6GQtEPBrNiBL\
    dthtk2ZAYAf8rNDoKzFwmM+XwpgMS7MSNWi0miOLpdQ1X2aN7zy80b51Poq1GH6FpCWmvjWa2ax1K2vmcSoApVc2b+U=";
const RSA_2048: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDC86HfkMaHTQvCHr7EelIwXUSZC5v/3/DthvxgxaVB5mgF3g8wck26\
    3GHLIyqza/fonrY4Cgiqm/79UxEVkzYwXGYYjuN7bL8rp+symOgfm1kb2aDn+DT247BMdM9noagzPeKwn86MuuJG8uit\
    0r91QC75AJ2vyvJePreheIk6lj/GcIzUB+zR0n9EFmJMjLkKR2I4onnmBmUMQa08yXCS0qPO4MKT+PKMFsVRvG2nWTST\
    ZhE3mTxHOm/7l0DuX6JqxUxjl6l9Vr4JWERcDonwCTn4thv+AVfo4PPouFeay87m2sff25wXDHPfM8HhMURax2h3aOzB\
    KXvJHuTJ6Aqj";
const DSA: &str = "ssh-dss AAAAB3NzaC1kc3MAAACBANcAycm+1aeHtcAs2vj2J4pH0ZBYqsSpCHUNzQoimg/wAKVmEdfJxVHg8AkUz+E5\
    VLsUbteMOIqu1IqxyIa4s+Sk4IhsIfnreZEz+NsYzLlbryRdKNkf+QjjtunaoRc9lKsynxxPkNEMiTGylEY6Xe94K+Vm\
    IFDkAzPRvBVk7SxRAAAAFQD5i3v52WaWQW6hQdqO4ISHkbaxlQAAAIBWhsFmRfSYZ5TIFkZvJhvGNci6wBlweMY91OTJ\
    59aauOjPY3dS5jKAIMoB5LbPZUgQ5b8si+T11reG/r5GiBngKgmohpWT9ZlO/hCMGN8QxezRmr7NrX1L3lwE3v4/GeQd\
    eGxtOKy4d8mOC6RRooB/wQXAwiaSh1FeKlqZUkgJdQAAAIEAqCgjBuQ8H2sTQ84qzdCiiEppJaTbZNuy35b4PO1KLVVm\
    jNmWhGO4E7bk7Ekjj8tlSeDAkia7wNZ1kF3N2+Dhq5GKMSZbDCrmw0tXUTXcAT+Mdjo66NdBhKsHeq7nGMW05ZNRQrTE\
    IQYq6nudRu0Z7qmCGJDBm1lW4nsbZSwLQNk=";
const CERTIFICATE: &str = "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnN\
    zaC5jb20AAAAg3L4ofNVUbXEbcs9i7UElvT24gUQeiY0N1w83v4TR51YAAAAIbmlzdHAyNTYAAABBBBrQStDjpfk2Agt\
    6Ndq2ruEhHccxvclaU4kvIuwZ2HZzdYdBQFZckA4neB49ZEF3YlRoupLoKa935V1sG8JRzXgAAAAAAAAAAAAAAAEAAAA\
    CaWQAAAAAAAAAAAAAAAD//////////wAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9yd2FyZGluZwAAAAAAAAAXcGVybWl\
    0LWFnZW50LWZvcndhcmRpbmcAAAAAAAAAFnBlcm1pdC1wb3J0LWZvcndhcmRpbmcAAAAAAAAACnBlcm1pdC1wdHkAAAA\
    AAAAADnBlcm1pdC11c2VyLXJjAAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIPIYkiMziLjXbGlFIBW4GN2bYR9\
    wiguLIrdzSRCsHi42AAAAUwAAAAtzc2gtZWQyNTUxOQAAAEDaueWWJC7zb/Z98cFy6oJM8ZY2pcxNj7EiIK0fA/gpKbu\
    9ZJc0XHBNOGSmL7X5K9UoxT4MV/XaWWNRrGanB94F";
const SK_ED25519: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIPIYkiMziLjXbGlFIBW4G\
    N2bYR9wiguLIrdzSRCsHi42AAAABHNzaDo=";
const SK_ECDSA: &str = "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIb\
    mlzdHAyNTYAAABBBBrQStDjpfk2Agt6Ndq2ruEhHccxvclaU4kvIuwZ2HZzdYdBQFZckA4neB49ZEF3YlRoupLoKa935\
    V1sG8JRzXgAAAAEc3NoOg==";

fn parse(text: &str) -> Result<SshPublicKey, SshKeyError> {
    text.parse()
}

#[test]
fn accepts_strong_keys_with_the_fingerprint_of_ssh_keygen() {
    for (key, fingerprint) in [
        (ED25519, "SHA256:HyRq/uJiVzXt0AgV2zpkOjG8YtDLySAFw1eclaotKp4"),
        (ECDSA_256, "SHA256:LZEZ5yPSopD/NYZlTFex5dr+YHn94XVd56ic+XRp59s"),
        (ECDSA_384, "SHA256:yrpA0reFXiyHYwhvLow8fxLzY/wyZI2noJnknq2PJXE"),
        (ECDSA_521, "SHA256:WiLMmhhR6+uh3yj1mmuZ8xQOo6oY7gDlXsYsSSGyV0M"),
        (RSA_3072, "SHA256:HOMlYFzrA/WfA8Pl0PyR26kC9EGDE+bdsi2WWvgY9b4"),
    ] {
        let parsed = parse(key).unwrap();
        assert_eq!((parsed.line(), parsed.fingerprint()), (key, fingerprint));
    }
}

#[test]
fn accepts_keys_of_security_keys() {
    for key in [SK_ED25519, SK_ECDSA] {
        assert_eq!(parse(key).unwrap().line(), key);
    }
}

#[test]
fn drops_options_comments_and_surrounding_space() {
    for (text, comment) in [
        (ED25519.to_owned(), None),
        (format!("  {ED25519} ada@laptop\r\n"), Some("ada@laptop")),
        (format!("{ED25519}   my other laptop "), Some("my other laptop")),
        (ED25519.replace(' ', "\t"), None),
        (format!("no-pty,command=\"echo ssh-rsa x\" {ED25519} ada@laptop"), Some("ada@laptop")),
    ] {
        let key = parse(&text).unwrap();
        assert_eq!((key.line(), key.comment()), (ED25519, comment), "{text:?}");
    }
}

#[test]
fn refuses_weak_and_foreign_keys_with_the_reason() {
    assert_eq!(parse(RSA_2048), Err(SshKeyError::WeakRsa(2048)));
    assert_eq!(parse(DSA), Err(SshKeyError::Unsupported("ssh-dss".to_owned())));
    assert_eq!(parse(CERTIFICATE), Err(SshKeyError::Certificate));
}

#[test]
fn names_what_is_pasted_by_mistake() {
    for private in [
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIFHD\n",
        "PuTTY-User-Key-File-3: ssh-ed25519\n",
    ] {
        assert_eq!(parse(private), Err(SshKeyError::PrivateKey), "{private}");
    }
    let rfc4716 = "---- BEGIN SSH2 PUBLIC KEY ----\nAAAAC3\n---- END SSH2 PUBLIC KEY ----";
    assert_eq!(parse(rfc4716), Err(SshKeyError::OtherFormat));
    assert_eq!(parse("-----BEGIN PUBLIC KEY-----\nMCow\n"), Err(SshKeyError::OtherFormat));
    assert_eq!(parse(&format!("{ED25519}\n{ECDSA_256}")), Err(SshKeyError::ManyLines));
}

#[test]
fn refuses_damaged_text() {
    let cut = &ED25519[..ED25519.len() - 9];
    let other_type = ED25519.replace("ssh-ed25519", "ssh-rsa");
    let endless = format!("{ED25519} {}", "x".repeat(MAX_BYTES));
    for text in [
        "",
        "ssh-ed25519",
        "AAAA",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 AAAA!!!!",
        "ada@laptop",
        cut,
        &other_type,
        &endless,
        &format!("{ED25519}\u{1b}[2J"),
        &format!("{ED25519}\0"),
    ] {
        assert_eq!(parse(text), Err(SshKeyError::Unreadable), "{text:?}");
    }
}
