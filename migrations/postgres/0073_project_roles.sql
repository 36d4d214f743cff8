-- A member's role in one project, where it differs from the one in the organization.

CREATE TABLE project_roles (
    organization_id UUID NOT NULL,
    user_id UUID NOT NULL,
    project_id UUID NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('none', 'viewer', 'editor')),
    PRIMARY KEY (organization_id, user_id, project_id),
    FOREIGN KEY (organization_id, user_id) REFERENCES memberships (organization_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, project_id) REFERENCES projects (organization_id, id) ON DELETE CASCADE
);
