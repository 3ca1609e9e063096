import Common

/// What the customers of the invented product say, in five languages. `{n}`, `{device}` and `{version}` are filled.
struct Phrases: Sendable {
    typealias Saying = (Sentiment, String)
    let openers: [String]
    let sayings: [WorldTopic: [Saying]]
    let details: [String]
    let closers: [String]

    static let languages: [(String, Double)] = [("en", 70), ("de", 12), ("es", 8), ("fr", 6), ("pt", 4)]
    static let devices = [
        "Pixel 8", "Galaxy S23", "iPhone 15", "iPad Air", "ThinkPad", "MacBook Air", "OnePlus 11", "Surface Pro",
    ]

    static let all: [String: Phrases] = ["en": english, "de": german, "es": spanish, "fr": french, "pt": portuguese]

    static let english = Phrases(
        openers: [
            "I have been using Lanternfish for {n} days.", "Long time user here, {n} notebooks and counting.",
            "My whole team of {n} people works with this.", "I moved {n} notes over from another app.",
            "On my {device} with {n} notes.",
        ],
        sayings: [
            .sync: [
                (.negative, "Sync is broken since the update and my notes do not show up on the other device."),
                (.negative, "Syncing fails with an error every time, and it is really frustrating to lose work."),
                (.negative, "After {version} the sync just hangs and I lost a whole day of notes, terrible."),
                (.positive, "Syncing between my phone and the laptop is instant now, I love it."),
            ],
            .crash: [
                (.negative, "The app crashes when I open a large notebook, this is awful."),
                (.negative, "It crashes on startup on my {device} and support does not answer."),
                (.negative, "Constant crashes since {version}, completely unusable and very annoying."),
            ],
            .pricing: [
                (.negative, "The new subscription is far too expensive and I want a refund."),
                (.negative, "They doubled the price without a warning, what a terrible decision."),
                (.positive, "The yearly plan is a fair price and great value for what it does."),
            ],
            .login: [
                (.negative, "I cannot log in any more and the password reset mail never arrives, so annoying."),
                (.negative, "Login fails with two factor authentication enabled and I am locked out, very bad."),
            ],
            .performance: [
                (.negative, "It is painfully slow and the battery drains badly while it runs."),
                (.negative, "Opening a notebook takes {n} seconds, it is a horrible lag."),
                (.positive, "The new version is very fast and smooth, wonderful work."),
            ],
            .design: [
                (.negative, "The new interface is ugly and confusing and I hate the layout."),
                (.positive, "The new interface is beautiful and clean, excellent design."),
            ],
            .request: [
                (.neutral, "Please add an option to export notebooks as plain text files."),
                (.neutral, "It would be nice to have a dark mode that follows the system setting."),
                (.neutral, "Feature request: allow tags to be nested so that they can be grouped."),
            ],
            .praise: [
                (.positive, "Absolutely fantastic app, it is the best notebook I have ever used."),
                (.positive, "I love how simple and reliable it is, great job and thank you."),
                (.positive, "Excellent app, works perfectly and the team is wonderful."),
            ],
            .question: [
                (.neutral, "How do I move a notebook to another account?"),
                (.neutral, "Is there a way to print several notes at once?"),
                (.neutral, "Where can I find the setting for the default font?"),
            ],
        ],
        details: [
            "It started about {n} days ago.", "This is with {n} notes in the notebook.",
            "I tried it {n} times on my {device}.", "Version {version} here.",
            "My colleague with {n} notes sees the same.",
            "I counted {n} of them.",
        ],
        closers: ["That is all I wanted to say today.", "Ask me if you need to know more.", "My case number is {n}."])

    static let german = Phrases(
        openers: ["Ich benutze Lanternfish seit {n} Tagen.", "Auf meinem {device} mit {n} Notizen."],
        sayings: [
            .sync: [
                (
                    .negative,
                    "Die Synchronisierung ist seit dem Update kaputt und meine Notizen fehlen auf dem anderen Gerät."
                ),
                (.negative, "Das Synchronisieren schlägt jedes Mal mit einem Fehler fehl, das ist wirklich ärgerlich."),
            ],
            .crash: [
                (.negative, "Die App stürzt beim Öffnen ab, das ist furchtbar."),
                (.negative, "Ständige Abstürze seit {version}, völlig unbrauchbar und sehr ärgerlich."),
            ],
            .pricing: [(.negative, "Das neue Abo ist viel zu teuer und ich möchte mein Geld zurück.")],
            .login: [
                (
                    .negative,
                    "Ich kann mich nicht mehr anmelden und das Passwort wird nicht zurückgesetzt, sehr schlecht."
                )
            ],
            .performance: [(.negative, "Alles ist furchtbar langsam und der Akku ist schnell leer, echt schlecht.")],
            .design: [(.positive, "Die neue Oberfläche ist wunderschön und sehr übersichtlich, tolle Arbeit.")],
            .request: [(.neutral, "Bitte fügt eine Möglichkeit hinzu, Notizen als Textdatei zu exportieren.")],
            .praise: [
                (.positive, "Eine großartige App, die beste die ich je benutzt habe, vielen Dank."),
                (.positive, "Sehr gute App, funktioniert einwandfrei und macht Spaß."),
            ],
            .question: [(.neutral, "Wie kann ich ein Notizbuch in ein anderes Konto verschieben?")],
        ],
        details: [
            "Es begann vor etwa {n} Tagen.", "Ich habe es {n} Mal auf meinem {device} versucht.",
            "Es sind {n} Notizen.",
        ],
        closers: ["Mehr wollte ich heute nicht sagen.", "Meine Vorgangsnummer ist {n}."])

    static let spanish = Phrases(
        openers: ["Uso Lanternfish desde hace {n} días.", "En mi {device} con {n} notas."],
        sayings: [
            .sync: [
                (.negative, "La sincronización está rota desde la actualización y mis notas no aparecen, es horrible.")
            ],
            .crash: [(.negative, "La aplicación se cierra sola al abrirla, es terrible y muy molesto.")],
            .pricing: [(.negative, "La nueva suscripción es demasiado cara y quiero un reembolso, muy mala decisión.")],
            .login: [(.negative, "No puedo iniciar sesión y el correo para la contraseña nunca llega, pésimo.")],
            .performance: [(.negative, "Va muy lenta y gasta mucha batería, es muy mala.")],
            .design: [(.positive, "La nueva interfaz es preciosa y muy clara, excelente trabajo.")],
            .request: [(.neutral, "Por favor, añadan una opción para exportar los cuadernos como texto.")],
            .praise: [(.positive, "Una aplicación fantástica, la mejor que he usado, muchas gracias.")],
            .question: [(.neutral, "¿Cómo puedo mover un cuaderno a otra cuenta?")],
        ],
        details: ["Empezó hace unos {n} días.", "Lo intenté {n} veces en mi {device}."],
        closers: ["Eso es todo por hoy.", "Mi número de caso es {n}."])

    static let french = Phrases(
        openers: ["J'utilise Lanternfish depuis {n} jours.", "Sur mon {device} avec {n} notes."],
        sayings: [
            .sync: [
                (.negative, "La synchronisation est cassée depuis la mise à jour et mes notes ont disparu, c'est nul.")
            ],
            .crash: [(.negative, "L'application plante au démarrage, c'est vraiment horrible.")],
            .pricing: [
                (.negative, "Le nouvel abonnement est beaucoup trop cher et je veux un remboursement, très déçu.")
            ],
            .login: [(.negative, "Je ne peux plus me connecter et le mot de passe ne marche plus, très mauvais.")],
            .performance: [(.negative, "C'est très lent et la batterie se vide, vraiment mauvais.")],
            .design: [(.positive, "La nouvelle interface est magnifique et très claire, excellent travail.")],
            .request: [(.neutral, "Merci d'ajouter une option pour exporter les carnets en texte.")],
            .praise: [(.positive, "Une application géniale, la meilleure que j'ai utilisée, merci beaucoup.")],
            .question: [(.neutral, "Comment puis-je déplacer un carnet vers un autre compte ?")],
        ],
        details: ["Cela a commencé il y a {n} jours.", "J'ai essayé {n} fois sur mon {device}."],
        closers: ["C'est tout pour aujourd'hui.", "Mon numéro de dossier est {n}."])

    static let portuguese = Phrases(
        openers: ["Uso o Lanternfish há {n} dias.", "No meu {device} com {n} notas."],
        sayings: [
            .sync: [(.negative, "A sincronização não funciona desde a atualização e perdi as minhas notas, péssimo.")],
            .crash: [(.negative, "O aplicativo fecha sozinho ao abrir, é horrível e muito chato.")],
            .pricing: [(.negative, "A nova assinatura é muito cara e quero o meu dinheiro de volta, péssima decisão.")],
            .login: [(.negative, "Não consigo entrar na minha conta e a senha não funciona, muito ruim.")],
            .performance: [(.negative, "Está muito lento e gasta muita bateria, muito ruim.")],
            .design: [(.positive, "A nova interface é linda e muito clara, excelente trabalho.")],
            .request: [(.neutral, "Por favor, adicionem uma opção para exportar os cadernos como texto.")],
            .praise: [(.positive, "Um aplicativo fantástico, o melhor que já usei, muito obrigado.")],
            .question: [(.neutral, "Como posso mover um caderno para outra conta?")],
        ],
        details: ["Começou há uns {n} dias.", "Tentei {n} vezes no meu {device}."],
        closers: ["Por hoje é tudo.", "O número do meu caso é {n}."])
}
