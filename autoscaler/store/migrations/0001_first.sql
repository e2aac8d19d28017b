-- By service, as JSON text: what a decision remembers, and what an operator has ordered.
CREATE TABLE documents (service TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE orders (service TEXT PRIMARY KEY, orders TEXT NOT NULL) WITHOUT ROWID;

-- The text of each service's policy that was last in force.
CREATE TABLE policies (service TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;

-- The journal. A number is never used again, and its order is the order of things whatever the clock did.
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    t REAL NOT NULL,
    service TEXT NOT NULL,
    kind TEXT NOT NULL,
    replica TEXT NOT NULL,
    cause TEXT NOT NULL,
    facts TEXT NOT NULL
);
CREATE INDEX events_of_service ON events (service, number);
