"""What the synthetic voices say: the same few hundred sentences in eight languages.

Numbers, prompts, appointments and greetings, written out, so that no figure has to be
read. The lists of all languages are parallel.
"""

from dataclasses import dataclass
from itertools import product

SEPARATOR = " | "


@dataclass(frozen=True)
class Phrases:
    """Word lists of one language; ``{}`` in a frame is filled from the lists."""

    numbers: str
    press: str
    actions: str
    code: str
    meeting: str
    events: str
    days: str
    greetings: str
    fixed: str


NAMES = ("Anna", "Martin", "Sofia", "Lukas", "Elena", "Oskar", "Laura", "Viktor")
RUSSIAN_NAMES = (
    "Анна",
    "Мартин",
    "София",
    "Лукас",
    "Елена",
    "Оскар",
    "Лаура",
    "Виктор",
)

PHRASES = {
    "cs": Phrases(
        numbers="nula jedna dva tři čtyři pět šest sedm osm devět deset jedenáct "
        "dvanáct třináct čtrnáct patnáct šestnáct sedmnáct osmnáct devatenáct dvacet",
        press="Stiskněte {} {}.",
        actions="pro nápovědu | pro zanechání vzkazu | pro opakování zprávy | pro "
        "změnu hesla | pro smazání zprávy | pro ukončení | pro hlavní nabídku | pro "
        "odpověď",
        code="Kód je {}, {}.",
        meeting="{} je {}.",
        events="Schůzka | Koncert | Zkouška | Oslava | Výlet | Kurz",
        days="v pondělí | v úterý | ve středu | ve čtvrtek | v pátek | v sobotu | v "
        "neděli",
        greetings="Dobré ráno | Dobrý den | Dobrý večer | Dobrou noc | Na shledanou",
        fixed="Děkuji. | Prosím, čekejte. | Zkuste to znovu. | To číslo neplatí. | "
        "Linka je obsazená. | Zpráva byla uložena. | Kolik je hodin? | Kde je nádraží?",
    ),
    "de": Phrases(
        numbers="null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf "
        "dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig",
        press="Drücken Sie {}, um {}.",
        actions="Hilfe zu bekommen | eine Nachricht zu hinterlassen | die Nachricht zu "
        "wiederholen | das Passwort zu ändern | die Nachricht zu löschen | zu beenden "
        "| zum Hauptmenü zurückzukehren | zu antworten",
        code="Der Code ist {}, {}.",
        meeting="{} ist am {}.",
        events="Das Treffen | Das Konzert | Die Prüfung | Die Feier | Der Ausflug | "
        "Der Kurs",
        days="Montag | Dienstag | Mittwoch | Donnerstag | Freitag | Samstag | Sonntag",
        greetings="Guten Morgen | Guten Tag | Guten Abend | Gute Nacht | Auf "
        "Wiedersehen",
        fixed="Danke. | Bitte warten Sie. | Bitte versuchen Sie es noch einmal. | "
        "Diese Nummer ist ungültig. | Die Leitung ist besetzt. | Die Nachricht wurde "
        "gespeichert. | Wie spät ist es? | Wo ist der Bahnhof?",
    ),
    "en": Phrases(
        numbers="zero one two three four five six seven eight nine ten eleven twelve "
        "thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty",
        press="Press {} {}.",
        actions="for help | to leave a message | to repeat the message | to change the "
        "password | to delete the message | to finish | for the main menu | to reply",
        code="The code is {}, {}.",
        meeting="{} is on {}.",
        events="The meeting | The concert | The exam | The party | The trip | The "
        "class",
        days="Monday | Tuesday | Wednesday | Thursday | Friday | Saturday | Sunday",
        greetings="Good morning | Good day | Good evening | Good night | Goodbye",
        fixed="Thank you. | Please wait. | Please try again. | That number is not "
        "valid. | The line is busy. | The message has been saved. | What time is it? | "
        "Where is the station?",
    ),
    "es": Phrases(
        numbers="cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce "
        "trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte",
        press="Marque {} {}.",
        actions="para obtener ayuda | para dejar un mensaje | para repetir el mensaje "
        "| para cambiar la contraseña | para borrar el mensaje | para terminar | para "
        "volver al menú principal | para responder",
        code="El código es {}, {}.",
        meeting="{} es el {}.",
        events="La reunión | El concierto | El examen | La fiesta | La excursión | El "
        "curso",
        days="lunes | martes | miércoles | jueves | viernes | sábado | domingo",
        greetings="Buenos días | Hola | Buenas tardes | Buenas noches | Hasta luego",
        fixed="Gracias. | Espere, por favor. | Inténtelo de nuevo. | Ese número no es "
        "válido. | La línea está ocupada. | El mensaje ha sido guardado. | ¿Qué hora "
        "es? | ¿Dónde está la estación?",
    ),
    "fr": Phrases(
        numbers="zéro un deux trois quatre cinq six sept huit neuf dix onze douze "
        "treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt",
        press="Appuyez sur {} {}.",
        actions="pour obtenir de l'aide | pour laisser un message | pour répéter le "
        "message | pour changer le mot de passe | pour effacer le message | pour "
        "terminer | pour revenir au menu principal | pour répondre",
        code="Le code est {}, {}.",
        meeting="{} a lieu {}.",
        events="La réunion | Le concert | L'examen | La fête | L'excursion | Le cours",
        days="lundi | mardi | mercredi | jeudi | vendredi | samedi | dimanche",
        greetings="Bonjour | Salut | Bonsoir | Bonne nuit | Au revoir",
        fixed="Merci. | Veuillez patienter. | Veuillez réessayer. | Ce numéro n'est "
        "pas valide. | La ligne est occupée. | Le message a été enregistré. | Quelle "
        "heure est-il ? | Où est la gare ?",
    ),
    "it": Phrases(
        numbers="zero uno due tre quattro cinque sei sette otto nove dieci undici "
        "dodici tredici quattordici quindici sedici diciassette diciotto diciannove "
        "venti",
        press="Premere {} {}.",
        actions="per ricevere aiuto | per lasciare un messaggio | per ripetere il "
        "messaggio | per cambiare la password | per cancellare il messaggio | per "
        "terminare | per tornare al menù principale | per rispondere",
        code="Il codice è {}, {}.",
        meeting="{} è {}.",
        events="La riunione | Il concerto | L'esame | La festa | La gita | Il corso",
        days="lunedì | martedì | mercoledì | giovedì | venerdì | sabato | domenica",
        greetings="Buongiorno | Salve | Buonasera | Buonanotte | Arrivederci",
        fixed="Grazie. | Attendere, prego. | Riprovare, per favore. | Quel numero non "
        "è valido. | La linea è occupata. | Il messaggio è stato salvato. | Che ore "
        "sono? | Dov'è la stazione?",
    ),
    "nl": Phrases(
        numbers="nul een twee drie vier vijf zes zeven acht negen tien elf twaalf "
        "dertien veertien vijftien zestien zeventien achttien negentien twintig",
        press="Druk op {} {}.",
        actions="voor hulp | om een bericht achter te laten | om het bericht te "
        "herhalen | om het wachtwoord te wijzigen | om het bericht te wissen | om af "
        "te sluiten | voor het hoofdmenu | om te antwoorden",
        code="De code is {}, {}.",
        meeting="{} is op {}.",
        events="De vergadering | Het concert | Het examen | Het feest | De uitstap | "
        "De cursus",
        days="maandag | dinsdag | woensdag | donderdag | vrijdag | zaterdag | zondag",
        greetings="Goedemorgen | Goedendag | Goedenavond | Goedenacht | Tot ziens",
        fixed="Dank u wel. | Even geduld. | Probeer het nog eens. | Dat nummer is "
        "ongeldig. | De lijn is bezet. | Het bericht is opgeslagen. | Hoe laat is het? "
        "| Waar is het station?",
    ),
    "ru": Phrases(
        numbers="ноль один два три четыре пять шесть семь восемь девять десять "
        "одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать "
        "семнадцать восемнадцать девятнадцать двадцать",
        press="Нажмите {}, чтобы {}.",
        actions="получить помощь | оставить сообщение | повторить сообщение | сменить "
        "пароль | удалить сообщение | закончить | вернуться в главное меню | ответить",
        code="Код: {}, {}.",
        meeting="{} будет {}.",
        events="Встреча | Концерт | Экзамен | Праздник | Поездка | Урок",
        days="в понедельник | во вторник | в среду | в четверг | в пятницу | в субботу "
        "| в воскресенье",
        greetings="Доброе утро | Добрый день | Добрый вечер | Спокойной ночи | До "
        "свидания",
        fixed="Спасибо. | Пожалуйста, подождите. | Попробуйте ещё раз. | Этот номер "
        "неверен. | Линия занята. | Сообщение сохранено. | Который час? | Где вокзал?",
    ),
}


def sentences(language: str) -> dict[str, str]:
    """Sentence by name; the same name is the same sentence in every language.

    Example
    -------
    >>> len(sentences("fr")), sentences("fr")["press-1-3"]
    (291, 'Appuyez sur un pour changer le mot de passe.')
    >>> sentences("en")["press-1-3"]
    'Press one to change the password.'
    """
    own = PHRASES[language]
    numbers = own.numbers.split()
    actions, events, days, greetings, fixed = (
        text.split(SEPARATOR)
        for text in (own.actions, own.events, own.days, own.greetings, own.fixed)
    )
    names = RUSSIAN_NAMES if language == "ru" else NAMES
    made = {f"number-{i}": f"{number}." for i, number in enumerate(numbers)}
    made |= _filled("press", own.press, numbers[:10], actions)
    made |= _filled("code", own.code, numbers[:10], numbers[:10])
    made |= _filled("meeting", own.meeting, events, days)
    made |= _filled("greeting", "{}, {}!", greetings, names)
    made |= {f"fixed-{i}": text for i, text in enumerate(fixed)}
    return made


def _filled(name: str, frame: str, first: list, second: list) -> dict[str, str]:
    """A frame with every pair of words."""
    return {
        f"{name}-{i}-{j}": frame.format(one, other)
        for (i, one), (j, other) in product(enumerate(first), enumerate(second))
    }
