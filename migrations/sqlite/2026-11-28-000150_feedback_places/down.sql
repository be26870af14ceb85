DROP TABLE feedback_places;
