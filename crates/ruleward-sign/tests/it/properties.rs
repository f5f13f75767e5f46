//! Whatever is signed verifies; whatever is garbage is refused without a panic.

use percent_encoding::percent_encode_byte;
use proptest::collection::vec;
use proptest::prelude::*;
use ruleward_sign::{
    Authorization, Credentials, SignedRequest, query_pairs, sign, sign_derived, signing_time,
    verify,
};

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    proptest::collection::btree_map("x-[a-w]{1,8}", vec(0x20_u8..=0xfe, 0..20), 0..5)
        .prop_map(|headers| headers.into_iter().collect())
}

proptest! {
    #[test]
    fn signed_requests_verify(
        method in "GET|PUT|POST|DELETE|get",
        path in "(/[!-~äß磁 ]{0,8}){0,5}",
        query in "[!-~ä&=%]{0,40}",
        extra in headers(),
        body in vec(any::<u8>(), 0..50),
        secret_key in "\\PC{1,90}",
        token in proptest::option::of("[!-~]{1,30}"),
        seconds in 0_i64..4_000_000_000,
        derived in any::<bool>(),
        payload in 0..3,
    ) {
        let now = jiff::Timestamp::from_second(seconds).unwrap();
        let mut headers: Vec<(&str, &[u8])> = vec![("Host", b"127.0.0.1:80")];
        headers.extend(extra.iter().map(|(name, value)| (name.as_str(), value.as_slice())));
        match payload {
            1 => headers.push(("X-Sdk-Content-Sha256", b"UNSIGNED-PAYLOAD")),
            2 => headers.push(("X-Sdk-Content-Sha256", b"")),
            _ => (),
        }
        let credentials =
            Credentials { access_key: "AK", secret_key: &secret_key, security_token: token.as_deref() };
        let request = SignedRequest { method: &method, path: &path, query: &query, headers: &headers, body: &body };
        let added = if derived {
            sign_derived(&request, &credentials, now, "globe", "rms").unwrap()
        } else {
            sign(&request, &credentials, now).unwrap()
        };

        let mut sent = headers.clone();
        sent.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
        let request = SignedRequest { headers: &sent, ..request };
        let authorization = Authorization::parse(&added[0].1).unwrap();
        prop_assert_eq!(verify(&request, &authorization, secret_key.as_bytes()), Ok(()));
        prop_assert_eq!(signing_time(&request), Ok(seconds));
        prop_assert!(verify(&request, &authorization, b"another").is_err());
        let tampered = SignedRequest { path: "/another/path/of/the/house", ..request };
        prop_assert!(verify(&tampered, &authorization, secret_key.as_bytes()).is_err());
    }

    #[test]
    fn garbage_never_panics(
        value in "(SDK-HMAC-SHA256|V11-HMAC-SHA256|\\PC{0,5}) ?(Access=|Credential=)?\\PC{0,20}(, ?SignedHeaders=[a-z;\\-]{0,20})?(, ?Signature=([0-9a-f]{64}|\\PC{0,5}))?",
        path in "\\PC{0,30}",
        query in "\\PC{0,30}",
        date in "\\PC{0,16}|[0-9]{8}T[0-9]{6}Z",
        body in vec(any::<u8>(), 0..20),
    ) {
        let headers: [(&str, &[u8]); 3] =
            [("Host", b"h"), ("X-Sdk-Date", date.as_bytes()), ("x-sdk-content-sha256", &body)];
        let request = SignedRequest { method: "GET", path: &path, query: &query, headers: &headers, body: &body };
        let _ = signing_time(&request);
        if let Ok(authorization) = Authorization::parse(&value) {
            prop_assert!(verify(&request, &authorization, b"secret").is_err());
        }
    }

    #[test]
    fn pairs_come_back(pairs in vec(("\\PC{1,8}", "\\PC{0,8}"), 0..6)) {
        let encode = |text: &str| text.bytes().map(percent_encode_byte).collect::<String>();
        let raw: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
        let read: Vec<(Vec<u8>, Vec<u8>)> = query_pairs(&raw.join("&")).collect();
        let expected: Vec<(Vec<u8>, Vec<u8>)> =
            pairs.into_iter().map(|(key, value)| (key.into_bytes(), value.into_bytes())).collect();
        prop_assert_eq!(read, expected);
    }
}
