import ByteJSON
public import Common
import Foundation

/// A real S3 server of the tests' own on loopback: `moto`, which `scripts/python.sh` installs. It has one bucket,
/// `earshot-files` in `eu-central-1`.
public final class S3Server: Sendable {
    public let port: Int
    public let accessKey: String
    public let secretKey: Secret
    private let process: ChildProcess

    /// - Parameter checksKeys: Whether it checks who asks, and the signature; it knows no signed links then.
    public init(in folder: TemporaryFolder, checksKeys: Bool = true) async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let python = root.appendingPathComponent(".build/python/bin/python3").path
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw ProcessFailure("moto is not installed: scripts/python.sh")
        }
        let process = try ChildProcess(
            [python, "-c", Self.program, checksKeys ? "yes" : ""], hasChannel: true, errors: folder.file("s3.log"))
        self.process = process
        guard let line = try await onAThread({ process.hear() }),
            let said = try? JSON(JSONDocument(parsing: Array(line.utf8)).root), let port = said["port"]?.integer
        else { throw ProcessFailure("the S3 server did not start; see \(folder.file("s3.log"))") }
        self.port = Int(port)
        accessKey = said["key"]?.string ?? ""
        secretKey = Secret(said["secret"]?.string ?? "")
    }

    deinit { process.send(SIGKILL) }

    /// The bucket, as settings name it.
    public func url(prefix: String = "") -> String {
        "s3://earshot-files/\(prefix)?endpoint=http://127.0.0.1:\(port)&region=eu-central-1"
    }

    /// Stops it for a while: it takes connections and says nothing.
    public func hang() { process.send(SIGSTOP) }
    public func goOn() { process.send(SIGCONT) }

    private static let program = """
        import json, logging, os, sys
        checks = sys.argv[1] == "yes"
        # Four requests below are made before anybody is asked who it is.
        if checks:
            os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
        os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        import boto3
        from moto.server import ThreadedMotoServer
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        _, port = server.get_host_and_port()
        where = dict(endpoint_url=f"http://127.0.0.1:{port}", region_name="eu-central-1",
            aws_access_key_id="nobody", aws_secret_access_key="nothing")
        iam = boto3.client("iam", **where)
        iam.create_user(UserName="earshot")
        key = iam.create_access_key(UserName="earshot")["AccessKey"]
        iam.put_user_policy(UserName="earshot", PolicyName="all", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
        boto3.client("s3", **where).create_bucket(Bucket="earshot-files",
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        print(json.dumps({"port": port, "key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}), flush=True)
        # Nobody is there any more who could stop it.
        sys.stdin.read()
        os._exit(0)
        """
}
