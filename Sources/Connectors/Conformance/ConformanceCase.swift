public import ByteJSON
import Common
public import Foundation

/// One payload as its provider sends it, and what must become of it: a JSON file in a connector's fixture folder.
///
/// ```json
/// {"about": "An issue that is opened", "push": {…}, "headers": {"x-github-event": "issues"},
///  "expect": [{"item": {"external_id": "issue/1", …}}]}
/// ```
///
/// In place of `push`: `form` (the text of a form), `pull` (a page, of the source named by `source`), `import` (a row)
/// or `provider` (a list of ``ProviderAnswer``, which a server plays while the fetcher reads it).
/// `expect` may be `"ignored"` for a delivery that is answered and not taken in; of a `provider` it lists the external
/// ids that must be read. `same_as` names a case with the same item, whose identity must be the same. `entity` and
/// `mapping` are settings and a mapping of the stream's own, for this case.
public struct ConformanceCase: Sendable {
    public enum Input: Sendable, Hashable {
        case push(JSON), form(String), pull(JSON, source: String), imported(JSON), provider([ProviderAnswer])
    }

    public var file: URL
    /// The file's name without `.json`.
    public var name: String
    public var about: String
    public var input: Input
    /// The sender's headers, by names in lower case.
    public var headers: [String: String]
    /// nil where the file does not say it yet.
    public var expected: Expectation?
    public var sameAs: String?
    /// The stream's settings, where they are others than the folder's.
    public var entity: [String: JSON]?
    public var mapping: JSON?

    public enum Expectation: Sendable, Hashable {
        case ignored
        /// As ``MappingOutcome/json`` has them.
        case outcomes([JSON])
        /// What must be read of a provider, in any order.
        case externalIDs([String])
    }

    /// Whether it is read over HTTP, which is the fetcher's to try.
    public var isProvider: Bool { if case .provider = input { true } else { false } }

    /// Reads a case.
    ///
    /// - Throws: ``ManifestProblem`` naming the file and what it lacks.
    public init(file: URL) throws(ManifestProblem) {
        func wrong(_ reason: String) -> ManifestProblem { ManifestProblem(file: file.path, reason: reason) }
        guard let data = try? Data(contentsOf: file) else { throw wrong("the file cannot be read") }
        let json: JSON
        do throws(JSONError) {
            json = JSON(try JSONDocument(parsing: Array(data)).root)
        } catch {
            throw wrong(error.description)
        }
        self.file = file
        name = file.deletingPathExtension().lastPathComponent
        about = json["about"]?.string ?? name
        if let payload = json["push"] {
            input = .push(payload)
        } else if let form = json["form"]?.string {
            input = .form(form)
        } else if let page = json["pull"], let source = json["source"]?.string {
            input = .pull(page, source: source)
        } else if let row = json["import"] {
            input = .imported(row)
        } else if let answers = json["provider"]?.array {
            var read: [ProviderAnswer] = []
            for answer in answers {
                guard let answer = ProviderAnswer(answer) else {
                    throw wrong("an answer of a provider is {\"get\": \"/path?name=value\", \"body\": …}")
                }
                read.append(answer)
            }
            input = .provider(read)
        } else {
            throw wrong("needs one of push, form, pull (with source), import, provider")
        }
        headers = (json["headers"]?.object ?? [:]).compactMapValues(\.string)
        sameAs = json["same_as"]?.string
        entity = json["entity"]?.object
        mapping = json["mapping"]
        switch json["expect"] {
        case .array(let ids) where isProvider: expected = .externalIDs(ids.compactMap { MappedValue($0)?.string })
        case .array(let outcomes): expected = .outcomes(outcomes)
        case "ignored": expected = .ignored
        case nil: expected = nil
        default: throw wrong("`expect` is a list of outcomes, or \"ignored\"")
        }
    }
}
