-- Jobs that change logs, and jobs that hand them out.

ALTER TABLE jobs DROP CONSTRAINT jobs_kind_check;
ALTER TABLE jobs ADD CONSTRAINT jobs_kind_check CHECK (kind IN
    ('erase_logs', 'delete_project', 'delete_organization', 'pseudonymise', 'export_organization'));
