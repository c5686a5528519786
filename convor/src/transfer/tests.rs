use uuid::Uuid;

use crate::domain::{
    AuditAction, AuditRecord, Author, BodyDigest, Color, ControlEvent, Conversation, CurrentPage, Email,
    Event, EventKind, Heads, Message, MessageKind, Notification, Operator, Origin, Position, Role, Site,
    Status, TenantProfile, TenantRecord, TenantState, Text, Upload, UploadContent, Visitor,
};
use crate::ports::BlobKey;
use crate::ports::storage::{AuditRow, Record, RecordKind};
use crate::time::Timestamp;

use super::archive::{ArchiveError, ArchiveReader, ArchiveWriter, LINE_BYTES_MAX, Part};
use super::{Digester, InvalidRecord, decode, encode};

fn id<I: From<Uuid>>(number: u128) -> I {
    Uuid::from_u128(number).into()
}

fn text(text: &str) -> Text {
    Text::prose(text, 100).expect("a text")
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn heads(staff: u64, visitor: u64) -> Heads {
    Heads { staff, visitor }
}

fn event(staff: u64, kind: EventKind) -> Record {
    let position = Position { staff, visitor: kind.visible_to_visitor().then_some(staff) };
    let event =
        Event { conversation: id(5), position, epoch: 0, at: at(6), by: Author::Visitor(id(4)), kind };
    Record::Event { event, digest: None }
}

/// A password's hash of the form that the core makes.
#[cfg(feature = "accounts")]
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A record of each kind and shape, in the order of their kinds and keys.
fn records() -> Vec<Record> {
    let site = Site {
        id: id(2),
        name: text("Shop"),
        title: text("T"),
        greeting: text("Hi\n\"you\" \u{1f6b2}"),
        color: Color::parse("#0b6e4f").expect("a colour"),
        origins: vec![Origin::parse("https://a.example").expect("an origin")],
        created_at: at(1),
    };
    let email = Email::parse("ann@example.org").expect("an address");
    let operator =
        Operator { id: id(3), name: text("Ann"), email: email.clone(), role: Role::Owner, created_at: at(2) };
    let visitor = Visitor { id: id(4), site: id(2), name: None, email: Some(email), created_at: at(3) };
    let conversation = Conversation {
        id: id(5),
        site: id(2),
        visitor: id(4),
        subject: None,
        status: Status::Snoozed,
        snoozed_until: Some(at(9)),
        assignee: Some(id(3)),
        tags: vec![text("a"), text("b")],
        created_at: at(4),
        updated_at: crate::domain::PerAudience { staff: at(6), visitor: at(5) },
        heads: heads(4, 1),
        floor: heads(0, 0),
        epoch: 1,
        version: u64::MAX,
    };
    let message = |text| Message { id: id(7), client_id: id(8), kind: MessageKind::Note, text };
    let upload = |number, content| {
        Record::Upload(Upload {
            id: id(number),
            conversation: id(5),
            by: Author::System,
            name: text("a.png"),
            media_type: "image/png".to_owned(),
            blob: BlobKey(Uuid::from_u128(number + 1)),
            created_at: at(7),
            content,
        })
    };
    let status = EventKind::Status { from: Status::Open, to: Status::Snoozed, snoozed_until: Some(at(9)) };
    vec![
        Record::Profile(TenantProfile { name: text("Acme"), digest_key: [7; 32] }),
        Record::Site(site),
        Record::Operator(operator),
        #[cfg(feature = "accounts")]
        Record::Password {
            operator: id(3),
            hash: crate::ports::storage::PasswordHash::from_phc(HASH.to_owned()),
        },
        #[cfg(feature = "accounts")]
        Record::Session { id: id(9), operator: id(3), token: [1; 32].into(), expires_at: at(8) },
        Record::Visitor(visitor),
        Record::Token { visitor: id(4), hash: [2; 32].into() },
        Record::Page {
            visitor: id(4),
            page: CurrentPage { url: text("https://a.example/"), title: None, at: at(5) },
        },
        Record::Conversation {
            conversation,
            client_id: id(6),
            digest: Some(BodyDigest::from([0xab; 32])),
            with_message: true,
        },
        event(1, EventKind::Message(message(Some(text("Hello"))))),
        event(2, EventKind::Message(message(None))),
        event(3, status),
        event(4, EventKind::Assigned(None)),
        event(5, EventKind::Tagged(vec![text("a")])),
        Record::Read { conversation: id(5), reader: Author::Operator(id(3)), up_to: heads(4, 1) },
        upload(10, None),
        upload(12, Some(UploadContent { bytes: 5, sha256: [3; 32] })),
        Record::RemovableBlob(BlobKey(Uuid::from_u128(14))),
        Record::Notification {
            id: id(15),
            notification: Notification::MessageWaiting { conversation: id(5) },
            attempts: 2,
            held_until: Some(at(10)),
        },
        Record::Control { position: 1, event: ControlEvent::SessionEnded(id(9)) },
        Record::Audit(AuditRow {
            actor: Author::System,
            at: at(1),
            record: AuditRecord {
                id: id(16),
                action: AuditAction::TenantCreated,
                target: Uuid::from_u128(1),
            },
        }),
    ]
}

fn tenant() -> TenantRecord {
    TenantRecord { id: id(1), region: "eu".to_owned(), state: TenantState::Active, created_at: at(0) }
}

fn archive() -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut writer = ArchiveWriter::begin(&mut out);
    writer.tenant(&tenant(), &mut out).expect("a tenant");
    records().iter().for_each(|record| writer.record(record, &mut out).expect("a record"));
    assert!(writer.end_tenant(&mut out).is_some());
    writer.tenant(&TenantRecord { id: id(2), ..tenant() }, &mut out).expect("a tenant");
    assert!(writer.end_tenant(&mut out).is_some());
    writer.end(&mut out);
    out.trim_ascii_end().split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn read(lines: &[Vec<u8>]) -> Result<Vec<Part>, ArchiveError> {
    let mut reader = ArchiveReader::default();
    let parts: Result<Vec<_>, _> = (1..).zip(lines).map(|(number, line)| reader.line(number, line)).collect();
    let parts = parts?;
    if reader.is_whole() { Ok(parts) } else { Err(ArchiveError::CutOff(lines.len() as u64)) }
}

#[test]
fn every_kind_of_record_comes_back_from_its_canonical_form() {
    for record in records() {
        let line = encode(&record);
        assert!(!line.contains(&b'\n'));
        assert!(line.starts_with(format!("{{\"{}\":", record.kind().name()).as_bytes()));
        assert_eq!(decode(&line), Ok(record));
    }
    let kinds: Vec<_> = records().iter().map(Record::kind).collect();
    assert!(RecordKind::ALL.iter().all(|kind| kinds.contains(kind)), "none is forgotten here");
    assert!(RecordKind::ALL.iter().all(|kind| RecordKind::from_name(kind.name()) == Some(*kind)));
}

#[test]
fn the_canonical_form_is_what_its_version_says() {
    let of = |kind| {
        let record = records().into_iter().find(|record| record.kind() == kind).expect("one of each kind");
        String::from_utf8(encode(&record)).expect("UTF-8")
    };
    let nil = "00000000-0000-0000-0000-00000000000";
    assert_eq!(
        of(RecordKind::Event),
        format!(
            "{{\"event\":{{\"event\":{{\"conversation\":\"{nil}5\",\"position\":{{\"staff\":1,\"visitor\":null}},\"epoch\":0,\
            \"at\":\"1970-01-01T00:00:00.006Z\",\"by\":{{\"visitor\":\"{nil}4\"}},\"kind\":{{\"message\":{{\"id\":\"{nil}7\",\
            \"client_id\":\"{nil}8\",\"kind\":\"note\",\"text\":\"Hello\"}}}}}},\"digest\":null}}}}"
        )
    );
    let mut digester = Digester::new(&tenant());
    records().iter().for_each(|record| digester.add(record.kind(), &encode(record)));
    let digest = digester.finish();
    assert_eq!(digest.records(), records().len() as u64);
    let events = digest.kinds.iter().find(|kind| kind.kind == RecordKind::Event).expect("there are events");
    // Another value here is another format: `FORMAT` goes up.
    let sha256 = "ec56f703acf998a46768cdadf4a2a1b9f398572ac63d51cf687a1eb2d5a56e5a";
    assert_eq!((events.records, events.sha256.to_string().as_str()), (5, sha256));
}

#[test]
fn what_is_not_in_its_canonical_form_is_no_record() {
    let line = String::from_utf8(encode(&records()[1])).expect("UTF-8");
    let nul = line.replace("Shop", "Sh\\u0000p");
    let blank = line.replace("Shop", " ");
    let spaced = line.replacen(':', ": ", 1);
    let more = line.replacen("\"id\"", "\"x\":1,\"id\"", 1);
    let less = line.replacen("\"title\":\"T\",", "", 1);
    let colour = line.replace("#0b6e4f", "green");
    let upper = line.replace("#0b6e4f", "#0B6E4F");
    for other in [nul, blank, spaced, more, less, colour, upper, "{}".to_owned(), String::new()] {
        assert_ne!(other, line);
        assert_eq!(decode(other.as_bytes()), Err(InvalidRecord), "{other}");
    }
}

#[cfg(feature = "accounts")]
#[test]
fn a_hash_that_a_sign_in_cannot_afford_is_refused() {
    let line = |hash: &str| {
        let hash = crate::ports::storage::PasswordHash::from_phc(hash.to_owned());
        encode(&Record::Password { operator: id(3), hash })
    };
    assert!(decode(&line(HASH)).is_ok());
    assert!(decode(&line(&HASH.replace("m=19456,t=2,p=1", "m=262144,t=16,p=16"))).is_ok());
    for (part, other) in [
        ("m=19456", "m=262145"),
        ("m=19456", "m=4194304"),
        ("t=2", "t=17"),
        ("p=1$", "p=17$"),
        ("argon2id", "argon2i"),
        ("argon2id", "scrypt"),
        (HASH, "$x"),
        (HASH, ""),
    ] {
        let hash = HASH.replace(part, other);
        assert_ne!(hash, HASH);
        assert_eq!(decode(&line(&hash)), Err(InvalidRecord), "{hash}");
    }
}

#[test]
fn a_media_type_is_one_that_can_stand_in_a_header() {
    let whole = records().into_iter().find(|record| record.kind() == RecordKind::Upload).expect("one");
    let Record::Upload(upload) = whole else { panic!("it is an upload") };
    let read = |media_type: &str| {
        decode(&encode(&Record::Upload(Upload { media_type: media_type.to_owned(), ..upload.clone() })))
    };
    for valid in ["image/png", "application/vnd.api+json", "text/plain; charset=\"utf-8\""] {
        assert!(read(valid).is_ok(), "{valid}");
    }
    let long = format!("image/{}", "x".repeat(250));
    for other in
        ["", "image", "/png", "image/", "image/png\r\nSet-Cookie: a=b", "image/\u{7f}", "image/\u{e9}", &long]
    {
        assert_eq!(read(other), Err(InvalidRecord), "{other}");
    }
}

#[test]
fn a_writer_refuses_what_a_reader_would() {
    let mut out = Vec::new();
    let mut writer = ArchiveWriter::begin(&mut out);
    let begun = out.clone();
    for region in ["eu\nus".to_owned(), "x".repeat(256)] {
        let refused = writer.tenant(&TenantRecord { region, ..tenant() }, &mut out);
        assert!(refused.is_err() && out == begun, "nothing is written");
    }
    writer.tenant(&tenant(), &mut out).expect("a tenant");
    let begun = out.clone();
    let named = |length| {
        let name = Text::prose(&"x".repeat(length), usize::MAX).expect("a text");
        Record::Profile(TenantProfile { name, digest_key: [7; 32] })
    };
    let blank =
        Record::Profile(TenantProfile { name: Text::from_stored(String::new()), digest_key: [7; 32] });
    for record in [named(LINE_BYTES_MAX), blank] {
        let refused = writer.record(&record, &mut out).expect_err("it is refused").to_string();
        assert!(refused.contains("`profile`") && refused.len() < 200, "{refused}");
        assert_eq!(out, begun, "nothing is written");
    }
    writer.record(&named(1), &mut out).expect("a record");
    writer.end_tenant(&mut out).expect("one has begun");
    writer.end(&mut out);
    let lines: Vec<_> = out.trim_ascii_end().split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    assert_eq!(read(&lines).map(|parts| parts.len()), Ok(5), "what is refused counts for nothing");
}

#[test]
fn an_archive_says_what_was_written() {
    let parts = read(&archive()).expect("an archive");
    let read = parts.iter().filter_map(|part| match part {
        Part::Record(record) => Some(record.clone()),
        _ => None,
    });
    let read: Vec<_> = read.collect();
    assert_eq!(read, records());
    assert_eq!(parts.iter().filter(|part| matches!(part, Part::Tenant(_))).count(), 2);
}

#[test]
fn an_archive_that_lost_won_or_swapped_a_line_is_refused() {
    let whole = archive();
    for line in 0..whole.len() {
        let (mut less, mut more, mut swapped) = (whole.clone(), whole.clone(), whole.clone());
        less.remove(line);
        assert!(read(&less).is_err(), "without line {}", line + 1);
        more.insert(line, whole[line].clone());
        assert!(read(&more).is_err(), "with line {} twice", line + 1);
        if line > 0 {
            swapped.swap(line - 1, line);
            assert!(read(&swapped).is_err(), "with lines {line} and {} swapped", line + 1);
        }
        assert!(read(&whole[..line]).is_err(), "cut off after {line} lines");
    }
}

#[test]
fn an_archive_with_any_byte_changed_is_refused() {
    let whole = archive();
    let mut tried = 0;
    for (number, line) in whole.iter().enumerate() {
        for place in 0..line.len() {
            // Another digit, another case, and the end of a text.
            let other = [line[place] ^ 1, line[place] ^ 0x20, b'"'][place % 3];
            if other != line[place] {
                let mut changed = whole.clone();
                changed[number][place] = other;
                assert!(read(&changed).is_err(), "line {}, byte {place}", number + 1);
                tried += 1;
            }
        }
    }
    assert!(tried > 4_000, "{tried}");
}

#[test]
fn an_archive_of_another_format_and_what_is_none_are_told_apart() {
    let mut reader = ArchiveReader::default();
    assert_eq!(reader.line(1, br#"{"archive":{"format":2}}"#), Err(ArchiveError::Format(2)));
    assert_eq!(ArchiveReader::default().line(1, b"SQLite format 3"), Err(ArchiveError::NoArchive));
}
