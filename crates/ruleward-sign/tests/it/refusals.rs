//! Each refusal, by its own error.

use crate::golden::{Vector, vector};
use ruleward_sign::{
    Authorization, AuthorizationError, Credentials, DateError, SignError, SignedRequest,
    VerifyError, sign, signing_time, verify,
};

const SIGNATURE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn edited(name: &str, edit: impl Fn(&str) -> String) -> Vector {
    let mut vector = vector(name);
    let header = vector.header_mut("Authorization");
    *header = edit(std::str::from_utf8(header).unwrap()).into_bytes();
    vector
}

#[test]
fn authorization_headers() {
    let whole =
        format!("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature={SIGNATURE}");
    let read = Authorization::parse(&whole).unwrap();
    assert_eq!((read.access_key, read.signed_headers), ("AK", vec!["host", "x-sdk-date"]));

    let derived =
        whole.replace("SDK-", "V11-").replace("Access=AK", "Credential=AK/20260301/globe/rms");
    let derived = Authorization::parse(&derived).unwrap().derived.unwrap();
    assert_eq!((derived.date, derived.region, derived.service), ("20260301", "globe", "rms"));
    assert_eq!(derived.text, "20260301/globe/rms");

    let cases = [
        ("", AuthorizationError::UnknownScheme),
        ("Bearer abc", AuthorizationError::UnknownScheme),
        ("SDK-HMAC-SM3 Access=AK", AuthorizationError::UnknownScheme),
        ("SDK-HMAC-SHA256", AuthorizationError::UnknownScheme),
        ("SDK-HMAC-SHA256 Access=", AuthorizationError::Missing("Access")),
        ("SDK-HMAC-SHA256 SignedHeaders=host", AuthorizationError::Missing("Access")),
        ("V11-HMAC-SHA256 Access=AK", AuthorizationError::Missing("Credential")),
        ("V11-HMAC-SHA256 Credential=AK", AuthorizationError::Malformed("Credential")),
        ("V11-HMAC-SHA256 Credential=AK/1/2/3/4", AuthorizationError::Malformed("Credential")),
        ("V11-HMAC-SHA256 Credential=AK//r/s", AuthorizationError::Malformed("Credential")),
        ("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host", AuthorizationError::Missing("Signature")),
        ("SDK-HMAC-SHA256 Access=A, Access=B", AuthorizationError::Repeated("Access")),
    ];
    for (text, error) in cases {
        assert_eq!(Authorization::parse(text), Err(error), "{text}");
    }
    let edits = [
        (whole.replace(SIGNATURE, "00"), AuthorizationError::Malformed("Signature")),
        (whole.replace("e3b0", "g3b0"), AuthorizationError::Malformed("Signature")),
        (whole.replace("host;", "Host;"), AuthorizationError::Malformed("SignedHeaders")),
        (whole.replace("host;", "host;;"), AuthorizationError::Malformed("SignedHeaders")),
        (whole.replace("host;", "host;host;"), AuthorizationError::Repeated("SignedHeaders")),
        (whole.replace("host;x-sdk-date", ""), AuthorizationError::Missing("SignedHeaders")),
    ];
    for (text, error) in edits {
        assert_eq!(Authorization::parse(&text), Err(error), "{text}");
    }
    let many: Vec<String> = (0..129).map(|number| format!("x-{number}")).collect();
    let many = whole.replace("host;x-sdk-date", &many.join(";"));
    assert_eq!(Authorization::parse(&many), Err(AuthorizationError::Malformed("SignedHeaders")));
}

#[test]
fn host_and_date_must_be_signed() {
    let vector = edited("put with a body", |header| header.replace("host;", ""));
    assert_eq!(vector.verify(), Err(VerifyError::NotSigned("host")));
    let vector = edited("put with a body", |header| header.replace(";x-sdk-date", ""));
    assert_eq!(vector.verify(), Err(VerifyError::NotSigned("x-sdk-date")));
}

#[test]
fn signed_headers_must_arrive_once() {
    let vector = edited("put with a body", |header| header.replace("host;", "host;x-lost;"));
    assert_eq!(vector.verify(), Err(VerifyError::HeaderMissing("x-lost".to_owned())));

    let mut vector = crate::golden::vector("put with a body");
    vector.headers.push(("host".to_owned(), b"elsewhere".to_vec()));
    assert_eq!(vector.verify(), Err(VerifyError::HeaderRepeated("host".to_owned())));

    let mut vector = crate::golden::vector("put with a body");
    vector.headers.push(("x-sdk-date".to_owned(), b"20260301T235959Z".to_vec()));
    assert_eq!(vector.verify(), Err(VerifyError::Date(DateError::Repeated)));
}

#[test]
fn dates() {
    for text in ["", "20260301T235959", "20261301T235959Z", "2026-03-01T23:59Z", "20260301t235959z"]
    {
        let mut vector = vector("put with a body");
        *vector.header_mut("X-Sdk-Date") = text.as_bytes().to_vec();
        assert_eq!(vector.with_request(signing_time), Err(DateError::Malformed), "{text}");
    }
    let mut vector = vector("put with a body");
    vector.headers.retain(|(name, _)| name != "X-Sdk-Date");
    assert_eq!(vector.with_request(signing_time), Err(DateError::Missing));
}

#[test]
fn a_derived_key_is_good_for_its_day_only() {
    let vector = edited("delete, derived key", |header| header.replace("20260301/", "20260302/"));
    assert_eq!(vector.verify(), Err(VerifyError::DerivedDate));
    let vector = edited("delete, derived key", |header| header.replace("20260301/", "2026/"));
    assert_eq!(vector.verify(), Err(VerifyError::DerivedDate));
    let vector = edited("delete, derived key", |header| header.replace("/globe/", "/elsewhere/"));
    assert_eq!(vector.verify(), Err(VerifyError::Signature));

    let vector = crate::golden::vector("delete, derived key");
    let header = String::from_utf8(vector.header("Authorization").to_vec()).unwrap();
    let mut authorization = Authorization::parse(&header).unwrap();
    authorization.derived = None;
    let verdict = vector.with_request(|request| verify(request, &authorization, b"secret"));
    assert_eq!(verdict, Err(VerifyError::DerivedInfoMissing));
}

#[test]
fn the_stated_hash_must_be_the_hash_of_the_body() {
    let mut vector = vector("put with a body");
    vector.headers.push(("X-Sdk-Content-Sha256".to_owned(), SIGNATURE.as_bytes().to_vec()));
    assert_eq!(vector.verify(), Err(VerifyError::BodyHash));
}

#[test]
fn an_unsigned_body_may_change_and_a_signed_one_may_not_be_declared_unsigned() {
    let mut unsigned = vector("body of another type");
    unsigned.body = b"something else".to_vec();
    assert_eq!(unsigned.verify(), Ok(()));

    let mut signed = vector("put with a body");
    signed.headers.push(("X-Sdk-Content-Sha256".to_owned(), b"UNSIGNED-PAYLOAD".to_vec()));
    assert_eq!(signed.verify(), Err(VerifyError::Signature));
}

#[test]
fn what_cannot_be_signed() {
    let credentials = Credentials { access_key: "AK", secret_key: "SK", security_token: None };
    let now = jiff::Timestamp::UNIX_EPOCH;
    let request =
        |headers| SignedRequest { method: "GET", path: "/", query: "", headers, body: b"" };
    assert_eq!(sign(&request(&[]), &credentials, now), Err(SignError::HostMissing));
    let twice: [(&str, &[u8]); 3] = [("host", b"a"), ("x-note", b"1"), ("X-Note", b"2")];
    assert_eq!(
        sign(&request(&twice), &credentials, now),
        Err(SignError::HeaderRepeated("x-note".to_owned()))
    );
    assert!(!format!("{credentials:?}").contains("SK"));
}
