public import Common

/// What the customer wants.
///
/// A linear model tells it in English and Thai, the languages there is labelled feedback in. In other languages word
/// lists and question marks tell bug, feature and question, and of the rest sentiment makes praise and complaint.
public struct IntentEngine: Engine {
    public let name = "intent-linear"
    public let version = 1
    public let requires: Set<AnnotationKind> = [.language, .sentiment]
    public let produces = AnnotationKind.intent

    private let model: LinearModel
    private static let intents: [Intent] = [.other, .bug, .feature, .question, .praise, .complaint]
    private static let matcher = PhraseMatcher(IntentPhrases.all)

    /// Below this confidence sentiment alone makes neither praise nor complaint.
    private static let sure: Float = 0.55

    /// - Throws: An error if the built-in weights do not fit this program.
    public init() throws {
        model = try LinearModel(.intent, kind: "words")
        _ = Self.matcher
    }

    public func annotate(_ texts: inout [AnnotatedText]) {
        ScoringSpace.with(model) { space in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: FoldedText.limit) { folded in
                for index in texts.indices { annotate(&texts[index], space, folded) }
            }
        }
    }

    private func annotate(
        _ text: inout AnnotatedText, _ space: ScoringSpace, _ folded: UnsafeMutableBufferPointer<UInt8>
    ) {
        (text.intent, text.intentConfidence) =
            switch text.language {
            case "en", "th": modelled(text, space)
            default: listed(text, folded)
            }
    }

    private func modelled(_ text: AnnotatedText, _ space: ScoringSpace) -> (Intent, Float) {
        guard space.score(words: text.text, model) > 0 else { return (.other, 0) }
        space.softmax()
        var best = 0
        for lane in space.scores.indices where space.scores[lane] > space.scores[best] { best = lane }
        return switch (Self.intents[best], text.sentiment) {
        case (.praise, .negative): (.complaint, text.sentimentConfidence)
        case (.complaint, .positive): (.praise, text.sentimentConfidence)
        case (let intent, _): (intent, space.scores[best])
        }
    }

    private func listed(_ text: AnnotatedText, _ folded: UnsafeMutableBufferPointer<UInt8>) -> (Intent, Float) {
        let count = text.text.withUnsafeBufferPointer { FoldedText.fold($0, into: folded) }
        var tally = PhraseTally()
        Self.matcher.forEachVote(in: UnsafeBufferPointer(rebasing: folded[..<count])) { tally.add($0) }
        if tally.has(0) { return (.feature, 0.6) }
        if tally.has(1) { return (.bug, 0.6) }
        if asks(text.text), text.sentiment != .positive { return (.question, 0.6) }
        return switch text.sentiment {
        case .positive where text.sentimentConfidence >= Self.sure: (.praise, text.sentimentConfidence)
        case .negative where text.sentimentConfidence >= Self.sure: (.complaint, text.sentimentConfidence)
        default: (.other, 0.5)
        }
    }

    /// Whether a text ends in a question mark of any script.
    private func asks(_ text: [UInt8]) -> Bool {
        guard let last = text.lastIndex(where: { $0 > 0x20 }) else { return false }
        if text[last] == UInt8(ascii: "?") { return true }
        let tail = text[max(0, last - 2)...last]
        return tail.elementsEqual([0xEF, 0xBC, 0x9F]) || tail.suffix(2).elementsEqual([0xD8, 0x9F])
    }
}

/// Word lists of intents for languages without labelled feedback, in the notation of ``PhraseMatcher``.
enum IntentPhrases {
    static let all = [feature, bug]

    private static let feature = """
        please add, would be nice, feature request, wish there was
        wünsche mir, wäre schön wenn, wäre toll wenn, bitte fügt, bitte ergänz*, funktionswunsch, es fehlt die möglichkeit
        serait bien de, ce serait bien, j'aimerais pouvoir, ajoutez, pourriez vous ajouter, il manque la possibilité, il faudrait ajouter
        sería bueno, estaría bien que, me gustaría que, agreguen, por favor añad*, por favor agreg*, podrían agregar, podrían añadir, falta la opción
        seria bom, seria legal, gostaria que, adicionem, poderiam adicionar, por favor adicion*, falta a opção
        sarebbe bello, sarebbe utile, vorrei che, aggiungete, potreste aggiungere, manca la possibilità
        zou fijn zijn, zou handig zijn, graag toevoegen, voeg toe, przydałoby się, byłoby fajnie, dodajcie, proszę o dodanie, brakuje możliwości
        добавьте, было бы хорошо, было бы неплохо, хотелось бы, не хватает, eklenmeli, ekleyin, olsa güzel olur, eklenirse, skulle vara bra, vore bra om, lägg till
        希望能, 希望增加, 希望可以, 建议增加, 建议添加, 能不能加, 请增加, ほしいです, 欲しいです, 追加して, できるようにして, 추가해, 있었으면 좋겠, 만들어주세요
        """

    private static let bug = """
        doesn't work, does not work, not working, error, bug, bugs, crash*
        funktioniert nicht, geht nicht mehr, fehler*, absturz, abstürz*, stürzt, kaputt, fehlermeldung*
        ne marche pas, ne marche plus, ne fonctionne pas, ne fonctionne plus, erreur*, bogue*, plante, impossible de
        no funciona, no me deja, no carga, falla, fallo, fallos, errores, se cierra, se traba, no abre
        não funciona, não abre, não carrega, erro, erros, trava, travando, fecha sozinho, parou de funcionar
        non funziona, non si apre, non carica, errore, errori, si blocca, si chiude, non va più
        werkt niet, doet het niet, foutmelding*, fout, vastloopt, loopt vast, nie działa, nie uruchamia, błąd, błędy, błęd*, zawiesza
        не работает, не открывается, не загружа*, не запускается, ошибк*, вылетает, вылеты, баг, баги, глючит, çalışmıyor, açılmıyor, hata, hatası, hatalı, fungerar inte, funkar inte, kraschar, felmeddelande*
        闪退, 崩溃, 打不开, 无法, 报错, 卡死, バグ, 不具合, エラー, 開けない, 起動しない, 落ちる, できません, 오류, 버그, 안 돼요, 안돼요, 안됩니다, 튕겨, 작동하지
        """
}
