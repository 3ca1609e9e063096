import Rows

/// A field that a column may be, and how columns of it are called.
struct FieldName: Sendable {
    /// As a mapping names it.
    let name: String
    /// The whole of a name, the likeliest first: words in lower case, joined by `_`.
    let names: [String]
    /// What the column must look like.
    let fits: @Sendable (ColumnKind) -> Bool

    static let all: [FieldName] = [
        FieldName(
            "text",
            [
                "text", "review_text", "body", "review_body", "comment", "comments", "review", "feedback", "content",
                "message", "review_content", "feedback_text", "comment_text", "response", "answer", "verbatim",
                "description", "opinion", "reviewtext", "kommentar", "bewertungstext", "nachricht", "commentaire",
                "comentario",
            ]
        ) { $0.isText },
        FieldName("title", ["title", "review_title", "subject", "headline", "summary", "titel", "betreff", "titre"]) {
            $0.isText
        },
        FieldName(
            "rating",
            [
                "rating", "star_rating", "stars", "score", "review_rating", "overall_rating", "overall", "rate", "nps",
                "nps_score", "csat", "csat_score", "sterne", "bewertung", "note",
            ]
        ) { kind in
            if case .number(_, let least, let greatest) = kind { least >= 0 && greatest <= 100 } else { false }
        },
        FieldName(
            "created_at",
            [
                "created_at", "created", "date", "timestamp", "review_date", "submitted_at", "submitted",
                "review_submit_date_and_time", "review_submit_millis_since_epoch", "time", "datetime", "date_time",
                "creation_date", "date_created", "posted_at", "published_at", "at", "review_time", "unix_review_time",
                "unixreviewtime", "created_on", "when", "datum", "erstellt_am", "fecha", "timestamp_created",
            ]
        ) { $0.isTime },
        FieldName(
            "updated_at",
            [
                "updated_at", "updated", "last_updated", "edited_at", "modified_at", "last_modified",
                "review_last_update_date_and_time", "date_updated", "timestamp_updated",
            ]
        ) { $0.isTime },
        FieldName(
            "author_name",
            [
                "author_name", "author", "user_name", "username", "reviewer", "reviewer_name", "name", "customer_name",
                "customer", "user", "full_name", "nickname", "reviewername", "display_name", "autor", "kunde",
            ]
        ) { $0.isText },
        FieldName(
            "author_email",
            ["author_email", "email", "e_mail", "email_address", "user_email", "customer_email", "mail"]
        ) { $0 == .email },
        FieldName(
            "author_id",
            ["author_id", "user_id", "reviewer_id", "customer_id", "userid", "reviewerid", "author_steamid"]
        ) { $0.isCode },
        FieldName(
            "external_id",
            ["id", "external_id", "review_id", "reviewid", "feedback_id", "response_id", "uuid", "ticket_id", "key"]
        ) { $0.isCode },
        FieldName("url", ["url", "link", "permalink", "review_link", "review_url", "web_url"]) { $0 == .address },
        FieldName(
            "product_version",
            [
                "product_version", "app_version", "version", "app_version_name", "review_created_version", "appversion",
                "version_name", "release",
            ]
        ) { $0.isCode },
        FieldName("platform", ["platform", "os", "operating_system", "device_os"]) { $0.isCode },
        FieldName("language", ["language", "lang", "reviewer_language", "review_language", "sprache"]) {
            $0 == .word
        },
        FieldName("country", ["country", "country_code", "territory", "storefront", "land"]) { $0.isText },
    ]

    private init(_ name: String, _ names: [String], fits: @escaping @Sendable (ColumnKind) -> Bool) {
        self.name = name
        self.names = names
        self.fits = fits
    }

    /// How sure it is that the column is this field; 0 is not at all.
    func strength(of column: MappingGuess.Column, values: [String], rows: Int) -> Int {
        guard column.kind == .empty || fits(column.kind) else { return 0 }
        // What repeats names nothing.
        if name == "external_id", Set(values).count < rows { return 0 }
        // What is in an object of JSON is called with the object's name, or without.
        let written = column.name.map(Self.words)
        let whole = written.joined(separator: "_")
        if let rank = names.firstIndex(of: whole) { return 1000 - rank - (column.kind == .empty ? 500 : 0) }
        if column.kind == .empty { return 0 }
        // An e-mail address is one whatever it is called, a language's code is known by its length.
        if name == "author_email", column.kind == .email { return 300 }
        if name == "language", whole.contains("lang"), values.allSatisfy({ $0.utf8.count <= 12 }) { return 200 }
        if let rank = names.firstIndex(where: { Self.isTelling($0) && whole.hasSuffix("_" + $0) }) { return 100 - rank }
        return 0
    }

    /// Whether a name says the same at the end of a longer one: `guest_comment` is a comment, `package_name` no person.
    private static func isTelling(_ name: String) -> Bool {
        name.contains("_")
            || ["comment", "review", "feedback", "rating", "stars", "date", "email", "version"].contains(name)
    }

    /// `Review Submit Date & Time` as `review_submit_date_time`, `createdAt` as `created_at`.
    static func words(_ name: String) -> String {
        var words = ""
        var wasLower = false
        for character in name {
            if character.isLetter || character.isNumber {
                if character.isUppercase, wasLower { words.append("_") }
                words += character.lowercased()
                wasLower = character.isLowercase || character.isNumber
            } else {
                if !words.isEmpty, words.last != "_" { words.append("_") }
                wasLower = false
            }
        }
        while words.last == "_" { words.removeLast() }
        return words
    }
}

extension ColumnKind {
    fileprivate var isText: Bool {
        switch self {
        case .text, .word: true
        default: false
        }
    }

    fileprivate var isTime: Bool {
        switch self {
        case .time: true
        // Seconds or milliseconds since 1970, of this century.
        case .number(_, let least, _): least >= 9e8
        default: false
        }
    }

    /// Something that tells one from another: no sentence, no time.
    fileprivate var isCode: Bool {
        switch self {
        case .word, .number, .email: true
        case .text(let bytes): bytes < 40
        default: false
        }
    }
}
