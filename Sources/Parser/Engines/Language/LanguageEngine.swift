public import Common

/// The language of a text: by its script where only one language is written in it, else by a linear model over runs
/// of letters.
///
/// What the provider declares is taken as a prior: it decides close calls and very short texts, no more.
public struct LanguageEngine: Engine {
    public let name = "language-ngram"
    public let version = 1
    public let requires: Set<AnnotationKind> = []
    public let produces = AnnotationKind.language

    /// All languages it tells, as ISO 639 codes; Norwegian is `no` whichever way it is written.
    public static let languages: Set<String> = Set(
        Script.allCases.compactMap(\.onlyLanguage) + ["ja", "zh"]
            + ((try? LinearModel(.language, kind: "language"))?.file.labels.dropFirst() ?? []))

    private let model: LinearModel
    /// The script of each lane.
    private let scripts: [Script]
    private let lanes: [String: Int]
    /// Serbian is written in two scripts.
    private let serbian: Int?

    /// Below this probability a text is `und`; half of it is enough for the declared language.
    private static let sure: Float = 0.4
    /// How far a declared language is ahead of the others, and how far in a text of a few letters.
    private static let prior: (usual: Float, short: Float) = (2, 4)
    private static let fewLetters = 12
    /// A text with fewer letters is `und`, unless a declared language is not unlikely.
    private static let fewestLetters = 4

    /// - Throws: An error if the built-in weights do not fit this program.
    public init() throws {
        model = try LinearModel(.language, kind: "language")
        scripts = model.file.labels.map(Self.script)
        lanes = Dictionary(uniqueKeysWithValues: model.file.labels.enumerated().map { ($1, $0) })
        serbian = lanes["sr"]
    }

    public func annotate(_ texts: inout [AnnotatedText]) {
        ScoringSpace.with(model) { space in
            for index in texts.indices {
                (texts[index].language, texts[index].languageConfidence) = language(of: texts[index], space)
            }
        }
    }

    private func language(of text: AnnotatedText, _ space: ScoringSpace) -> (String, Float) {
        let features = text.text.withUnsafeBufferPointer { LanguageFeatures($0, into: space.features) }
        guard let script = features.script else { return ("und", 0) }
        if let only = script.onlyLanguage { return (only, 1) }
        if script == .han || script == .kana { return features.hasKana ? ("ja", 1) : ("zh", 1) }
        let declared = text.declaredLanguage.map(Self.primary)
        let lane = declared.flatMap { lanes[$0] }
        guard features.count > 0, features.letterCount >= Self.fewestLetters || lane != nil else { return ("und", 0) }
        model.score(UnsafeBufferPointer(rebasing: space.features[..<features.count]), space)
        if let lane {
            let isShort = features.letterCount < Self.fewLetters
            space.scores[lane] += isShort ? Self.prior.short : Self.prior.usual
            // Of a word or two any language could be: that it is none we tell is the least likely then
            if isShort { space.scores[0] -= Self.prior.short }
        }
        // Languages of other scripts are out of the question
        for lane in scripts.indices.dropFirst()
        where scripts[lane] != script && !(lane == serbian && script == .latin) {
            space.scores[lane] = -.infinity
        }
        space.softmax()
        var best = 0
        for lane in space.scores.indices where space.scores[lane] > space.scores[best] { best = lane }
        let confidence = space.scores[best]
        guard best != 0, confidence >= (best == lane ? Self.sure / 2 : Self.sure) else {
            return ("und", best == 0 ? confidence : 1 - confidence)
        }
        return (model.file.labels[best], confidence)
    }

    /// The primary subtag, in the codes that the model uses.
    private static func primary(_ tag: String) -> String {
        let primary = tag.prefix { $0 != "-" && $0 != "_" }.lowercased()
        return switch primary {
        case "nb", "nn": "no"
        case "iw": "he"
        case "in": "id"
        case "fil": "tl"
        default: primary
        }
    }

    private static func script(_ language: String) -> Script {
        switch language {
        case "ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "mn", "tt": .cyrillic
        case "ar", "fa", "ur", "ps", "ckb", "ug", "sd": .arabic
        case "hi", "mr", "ne": .devanagari
        case "bn", "as": .bengali
        case "am", "ti": .ethiopic
        default: .latin
        }
    }
}

extension Script {
    /// The language, where only one that we tell is written in the script.
    var onlyLanguage: String? {
        switch self {
        case .greek: "el"
        case .hebrew: "he"
        case .armenian: "hy"
        case .georgian: "ka"
        case .thai: "th"
        case .lao: "lo"
        case .khmer: "km"
        case .burmese: "my"
        case .tibetan: "bo"
        case .gurmukhi: "pa"
        case .gujarati: "gu"
        case .oriya: "or"
        case .tamil: "ta"
        case .telugu: "te"
        case .kannada: "kn"
        case .malayalam: "ml"
        case .sinhala: "si"
        case .thaana: "dv"
        case .hangul: "ko"
        case .latin, .cyrillic, .arabic, .devanagari, .bengali, .ethiopic, .kana, .han: nil
        }
    }
}

extension LanguageFeatures {
    /// The script that most of the text is written in; a sign that stands for a syllable or a word counts as three
    /// letters.
    var script: Script? {
        var best: Script?
        var most: Int32 = 0
        for script in Script.allCases {
            let weight: Int32 = script == .han || script == .hangul || script == .kana ? 3 : 1
            let count = letters[script.rawValue] * weight
            if count > most { (best, most) = (script, count) }
        }
        return best
    }

    var letterCount: Int { script.map { Int(letters[$0.rawValue]) } ?? 0 }

    /// Whether kana stand among the Han signs, beyond one borrowed for ornament.
    var hasKana: Bool {
        let kana = letters[Script.kana.rawValue]
        return kana > 0 && kana * 10 >= letters[Script.han.rawValue]
    }
}
