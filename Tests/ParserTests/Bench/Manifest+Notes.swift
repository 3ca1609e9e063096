import ByteJSON
import Connectors

extension Manifest {
    /// A connector for these tests: one note, or several under `notes`.
    static let notes = Manifest(
        name: "notes", version: 1, title: "Notes", summary: "For tests.",
        normalise: Normalisation(shapes: [
            .init(
                name: "several", when: .exists(.path(Path("notes"))), items: "notes",
                skip: .truthy(.path(Path("spam"))),
                fields: noteFields, custom: noteCustom),
            .init(name: "one", skip: .truthy(.path(Path("spam"))), fields: noteFields, custom: noteCustom),
        ]))

    private static let noteFields: [(field: NormalisedField, value: Expression)] = [
        (.instance, .constant("here")), (.externalID, .path(Path("id"))), (.kind, .constant("review")),
        (.title, .path(Path("title"))), (.text, .path(Path("text"))), (.format, .path(Path("format"))),
        (.createdAt, .path(Path("created_at"))), (.updatedAt, .path(Path("updated_at"))),
        (.deleted, .path(Path("deleted"))), (.rating, .path(Path("rating"))), (.ratingMinimum, .constant(1)),
        (.ratingMaximum, .constant(5)), (.authorID, .path(Path("author.id"))),
        (.authorName, .path(Path("author.name"))), (.authorEmail, .path(Path("author.email"))),
        (.country, .path(Path("author.country"))), (.labels, .path(Path("labels"))), (.url, .path(Path("url"))),
    ]
    private static let noteCustom: [(name: String, value: Expression)] = [("remark", .path(Path("remark")))]
}
