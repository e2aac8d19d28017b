-- A metric's means by the minute, an hour of the wall clock a row: 60 numbers as JSON, null where one isn't known. `hour`
-- counts from 1970. By the hour, because a start reads them all, and a row a minute takes it ten times as long.
CREATE TABLE hours (
    service TEXT NOT NULL,
    metric TEXT NOT NULL,
    hour INTEGER NOT NULL,
    means TEXT NOT NULL,
    PRIMARY KEY (service, metric, hour)
) WITHOUT ROWID;
