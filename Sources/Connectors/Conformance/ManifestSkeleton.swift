public import Foundation

/// The files that a new connector begins with: a commented manifest, and a fixture folder with a case that passes.
public enum ManifestSkeleton {
    /// Writes `<name>.yaml` and `fixtures/<name>/` into a folder; nothing that is there is written over.
    ///
    /// - Returns: The files that were written.
    /// - Throws: ``ManifestProblem`` naming the file that cannot be written.
    public static func write(name: String, into folder: URL) throws(ManifestProblem) -> [URL] {
        guard NodeReader.isName(name) else {
            throw ManifestProblem(
                file: name, reason: "a connector's name is of lower-case letters, digits and _, such as `acme_desk`")
        }
        let fixtures = folder.appending(path: "fixtures/\(name)")
        let files = [
            (folder.appending(path: "\(name).yaml"), manifest(name: name)),
            (fixtures.appending(path: "stream.json"), stream),
            (fixtures.appending(path: "tickets_page.json"), page),
            (fixtures.appending(path: "ticket_pushed.json"), pushed),
            (fixtures.appending(path: "provider.json"), provider),
        ]
        for (file, _) in files where FileManager.default.fileExists(atPath: file.path) {
            throw ManifestProblem(file: file.path, reason: "is there already")
        }
        for (file, text) in files {
            do {
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: file)
            } catch {
                throw ManifestProblem(file: file.path, reason: "cannot be written: \(error.localizedDescription)")
            }
        }
        return files.map(\.0)
    }

    static func manifest(name: String) -> String {
        """
        # How Earshot talks to one provider. All keys are explained in docs/connectors.md.
        connector: \(name)
        version: 1
        title: \(name)
        summary: Reads the tickets of one project.

        # What a person fills in: `connection` is the account, `stream` what of it is followed.
        spec:
          connection:
            - {name: base_url, type: url, title: Address, required: true, example: "https://desk.example.org"}
            - {name: token, secret: true, title: API token}
          stream:
            - {name: project, title: Project, required: true, pattern: "[a-z0-9-]+", example: rocket}

        # A header whose value is missing is left out.
        auth:
          bearer: "{{config.token}}"

        # What is polled. Leave it out if the provider only pushes.
        read:
          - name: tickets
            request:
              url: "{{config.base_url|trim_slash}}/api/projects/{{entity.project|url}}/tickets"
              query: {updated_since: "{{cursor.position|rfc3339}}", sort: updated_at}
            items: tickets
            id: id
            instance: {host: config.base_url}
            position: updated_at
            pagination: link
            cursor: {kind: ascending}
            errors:
              - {status: 401, action: fail, message: the token is wrong}

        # How deliveries are known to be the provider's. Leave it out if it does not push.
        receive:
          signatures:
            - {algorithm: hmac, hash: sha256, encoding: hex, header: X-Signature, signed: "{body}"}
          delivery_id: x-delivery-id

        # How an item becomes feedback. The first shape whose `when` is true is used.
        normalise:
          - shape: ticket
            fields:
              instance: {host: config.base_url}
              external_id: id
              kind: {const: conversation}
              title: subject
              text: body
              format: {const: plain}
              url: {template: "{{config.base_url|trim_slash}}/tickets/{{id}}"}
              created_at: created_at
              updated_at: updated_at
              author_id: requester.id
              author_name: requester.name
              labels: tags

        """
    }

    private static let stream = """
        {"config": {"base_url": "https://desk.example.org"}, "entity": {"project": "rocket"}}

        """

    private static let page = """
        {
          "about": "A page of tickets",
          "source": "tickets",
          "pull": {"tickets": [{"id": 1, "subject": "Export", "body": "It loses rows.", "tags": ["export"],
            "created_at": "2024-01-01T10:00:00Z", "updated_at": "2024-01-02T10:00:00Z",
            "requester": {"id": 7, "name": "Nia"}}]},
          "expect": [{"item": {"instance": "desk.example.org", "external_id": "1", "kind": "conversation",
            "title": "Export", "text": "It loses rows.", "format": "plain", "url": "https://desk.example.org/tickets/1",
            "created_at": "2024-01-01T10:00:00.000Z", "updated_at": "2024-01-02T10:00:00.000Z",
            "author_id": "7", "author_name": "Nia", "labels": ["export"], "revision": 1704189600000}}]
        }

        """

    private static let pushed = """
        {
          "about": "A delivery about a ticket that is polled, too: one identity",
          "same_as": "tickets_page",
          "push": {"id": 1, "subject": "Export", "body": "It loses rows.",
            "created_at": "2024-01-01T10:00:00Z", "updated_at": "2024-01-03T10:00:00Z"},
          "expect": [{"item": {"instance": "desk.example.org", "external_id": "1", "kind": "conversation",
            "title": "Export", "text": "It loses rows.", "format": "plain", "url": "https://desk.example.org/tickets/1",
            "created_at": "2024-01-01T10:00:00.000Z", "updated_at": "2024-01-03T10:00:00.000Z",
            "revision": 1704276000000}}]
        }

        """

    private static let provider = """
        {
          "about": "Two pages, and one time on both sides of their edge",
          "provider": [
            {"get": "/api/projects/rocket/tickets",
             "headers": {"Link": "<https://desk.example.org/api/projects/rocket/tickets?page=2>; rel=\\"next\\""},
             "body": {"tickets": [
               {"id": 1, "subject": "Export", "body": "It loses rows.", "created_at": "2024-01-01T10:00:00Z",
                "updated_at": "2024-01-02T10:00:00Z"}]}},
            {"get": "/api/projects/rocket/tickets?page=2",
             "body": {"tickets": [
               {"id": 2, "subject": "Import", "body": "It is slow.", "created_at": "2024-01-01T11:00:00Z",
                "updated_at": "2024-01-02T10:00:00Z"}]}}
          ],
          "expect": ["1", "2"]
        }

        """
}
