public import ByteJSON
import Common
import Foundation

/// A real SMTP server of the tests' own on loopback: `aiosmtpd`, which `scripts/python.sh` installs.
///
/// What it does depends on the recipient's name: `nobody` has no mailbox; `later` is put off the first time; `spam` is
/// refused after the message is read; `hang` is read and kept, and never answered, the first time.
public final class MailServer: Sendable {
    /// A message as the server's own parser read it.
    public struct Mail: Sendable {
        public let json: JSON
        public var to: String { json["to"]?.string ?? "" }
        public var id: String { json["id"]?.string ?? "" }
        public var subject: String { json["subject"]?.string ?? "" }
        public var text: String { json["text"]?.string ?? "" }
        public var html: String { json["html"]?.string ?? "" }
        /// Name and SHA-256 of each attachment.
        public var files: [(name: String, sum: String)] {
            (json["files"]?.array ?? []).map { ($0["name"]?.string ?? "", $0["sha256"]?.string ?? "") }
        }
    }

    public let port: Int
    /// The certificate, where it has one.
    public let certificate: String
    private let folder: String
    private let process: ChildProcess

    /// - Parameters:
    ///   - isEncrypted: Whether it wants `STARTTLS`, with a certificate for `localhost`.
    ///   - wantsLogin: Whether it wants the user `earshot` with the password `right/pass word`.
    public init(in folder: TemporaryFolder, isEncrypted: Bool = false, wantsLogin: Bool = false) async throws {
        self.folder = folder.file("mail")
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let python = root.appendingPathComponent(".build/python/bin/python3").path
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw ProcessFailure("aiosmtpd is not installed: scripts/python.sh")
        }
        certificate = folder.file("mail.pem")
        let key = folder.file("mail.key")
        if isEncrypted {
            let made = try ChildProcess.run([
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                "-out", certificate,
            ])
            guard made.status == 0 else { throw ProcessFailure("openssl made no certificate") }
        }
        let process = try ChildProcess(
            [
                python, "-c", Self.program, self.folder, isEncrypted ? certificate : "", key,
                wantsLogin ? "right/pass word" : "",
            ], hasChannel: true)
        self.process = process
        guard let line = try await onAThread({ process.hear() }), let port = Int(line) else {
            throw ProcessFailure("the mail server did not start")
        }
        self.port = port
    }

    deinit { process.send(SIGKILL) }

    /// What it took, in order; what it never answered for is among it.
    public var mails: [Mail] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        return names.filter { $0.hasSuffix(".json") }.compactMap { name in
            let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)").map { Array($0) } ?? []
            return (try? JSONDocument(parsing: bytes)).map { Mail(json: JSON($0.root)) }
        }
    }

    private static let program = """
        import asyncio, hashlib, json, os, ssl, sys
        from email import message_from_bytes, policy
        from aiosmtpd.smtp import SMTP, AuthResult

        folder, certificate, key, password = sys.argv[1:5]
        seen = {}
        count = 0

        def first(address):
            seen[address] = seen.get(address, 0) + 1
            return seen[address] == 1

        class Handler:
            async def handle_RCPT(self, server, session, envelope, address, options):
                name = address.split("@")[0]
                if name == "nobody":
                    return "550 5.1.1 no such mailbox"
                if name == "later" and first(address):
                    return "451 4.7.1 come again later"
                envelope.rcpt_tos.append(address)
                return "250 ok"

            async def handle_DATA(self, server, session, envelope):
                global count
                name = envelope.rcpt_tos[0].split("@")[0]
                if name == "spam":
                    return "554 5.7.1 this looks like spam"
                mail = message_from_bytes(envelope.content, policy=policy.default)
                text, html = mail.get_body(("plain",)), mail.get_body(("html",))
                files = [{"name": part.get_filename(), "type": part.get_content_type(),
                          "sha256": hashlib.sha256(part.get_content() if isinstance(part.get_content(), bytes)
                              else part.get_content().encode()).hexdigest()}
                         for part in mail.iter_attachments()]
                count += 1
                path = os.path.join(folder, "%05d" % count)
                with open(path, "w") as file:
                    json.dump({"to": envelope.rcpt_tos[0], "from": envelope.mail_from, "id": mail["Message-ID"],
                        "subject": mail["Subject"], "date": mail["Date"], "header_to": mail["To"],
                        "text": text.get_content() if text else "", "html": html.get_content() if html else "",
                        "defects": [repr(defect) for part in mail.walk() for defect in part.defects],
                        "encrypted": session.ssl is not None, "files": files}, file)
                os.rename(path, path + ".json")
                if name == "hang" and first(envelope.rcpt_tos[0]):
                    await asyncio.sleep(3600)
                return "250 taken"

        def authenticate(server, session, envelope, mechanism, data):
            return AuthResult(success=data.login == b"earshot" and data.password == password.encode())

        context = None
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate, key)

        def make():
            return SMTP(Handler(), tls_context=context, require_starttls=context is not None,
                authenticator=authenticate if password else None, auth_required=bool(password),
                auth_require_tls=False, decode_data=False, enable_SMTPUTF8=True)

        async def main():
            server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
            # Nobody is there any more who could stop it.
            asyncio.get_running_loop().add_reader(0, lambda: os._exit(0))
            print(server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()

        asyncio.run(main())
        """
}
